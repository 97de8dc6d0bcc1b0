#include "partition/formats/node_ids.h"

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>

namespace quadhop {
namespace {

constexpr int64_t kBits = 64;

}  // namespace

absl::StatusOr<NodeIds> NodeIds::Make(const Range& range, int64_t max_bytes) {
  if (range.most < range.least) return absl::InvalidArgumentError("there are no arcs");
  NodeIds ids;
  ids.least_ = range.least;
  const uint64_t span = static_cast<uint64_t>(range.most) - static_cast<uint64_t>(ids.least_);
  if (span / 4 >= static_cast<uint64_t>(max_bytes))  // a bit, and a count of 64 bits for 64 of them
    return absl::ResourceExhaustedError(absl::StrCat(
        "node ids go from ", range.least.load(), " to ", range.most.load(),
        ", too far for the memory that may be used: renumber them, or raise --memory"));
  ids.num_ids_ = static_cast<int64_t>(span) + 1;
  ids.bits_.resize(static_cast<size_t>(span / kBits + 1));
  return ids;
}

void NodeIds::Add(int64_t id) {
  const int64_t at = id - least_;
  bits_[static_cast<size_t>(at / kBits)] |= uint64_t{1} << (at % kBits);
}

void NodeIds::Number() {
  before_.reserve(bits_.size());
  for (const uint64_t word : bits_) {
    before_.push_back(num_nodes_);
    num_nodes_ += __builtin_popcountll(word);
  }
}

int64_t NodeIds::NodeOf(int64_t id) const {
  const int64_t at = id - least_;
  const auto word = static_cast<size_t>(at / kBits);
  const uint64_t below = bits_[word] & ((uint64_t{1} << (at % kBits)) - 1);
  return before_[word] + __builtin_popcountll(below);
}

std::string NodeIds::Names() const {
  std::string names;
  for (size_t word = 0; word < bits_.size(); ++word)
    for (uint64_t rest = bits_[word]; rest != 0; rest &= rest - 1)
      absl::StrAppend(&names, least_ + static_cast<int64_t>(word) * kBits + __builtin_ctzll(rest),
                      "\n");
  return names;
}

}  // namespace quadhop
