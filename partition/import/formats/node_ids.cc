#include "partition/import/formats/node_ids.h"

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <charconv>

#include "core/base/status.h"

namespace quadhop {
namespace {

constexpr int64_t kBits = 64;
constexpr size_t kLeastRoom = size_t{1} << 16;

// The bytes of an id's name, with its line end.
int64_t NameBytes(int64_t id) {
  int64_t num_bytes = id < 0 ? 3 : 2;
  while ((id /= 10) != 0) ++num_bytes;
  return num_bytes;
}

}  // namespace

absl::StatusOr<NodeIds> NodeIds::Make(const Range& range, const std::string& place,
                                      int64_t max_bytes) {
  if (range.most < range.least)
    return absl::InvalidArgumentError(absl::StrCat(place, ": there are no arcs"));
  NodeIds ids;
  ids.place_ = place;
  ids.least_ = range.least;
  const uint64_t span = static_cast<uint64_t>(range.most) - static_cast<uint64_t>(ids.least_);
  if (span / 4 >= static_cast<uint64_t>(max_bytes)) {  // a bit per id, and 64 bits per 64 ids
    ids.most_ = range.most;
    // The list has room for each id twice, and is copied when it grows.
    ids.max_listed_ = static_cast<size_t>(max_bytes) / (4 * sizeof(int64_t));
    ids.list_.reserve(kLeastRoom);
    return ids;
  }
  ids.num_ids_ = static_cast<int64_t>(span) + 1;
  ids.bits_.resize(static_cast<size_t>(span / kBits + 1));
  return ids;
}

absl::Status NodeIds::Add(absl::Span<const int64_t> ids) {
  if (are_listed()) {
    const std::lock_guard<std::mutex> lock(*listing_);
    for (const int64_t id : ids) {
      if (list_.size() == list_.capacity()) QH_RETURN_IF_ERROR(SortList());
      list_.push_back(id);
    }
    return absl::OkStatus();
  }
  for (const int64_t id : ids) {
    const int64_t at = id - least_;
    const std::atomic_ref<uint64_t> word(bits_[static_cast<size_t>(at / kBits)]);
    const uint64_t bit = uint64_t{1} << (at % kBits);
    // Most were added before.
    if ((word.load(std::memory_order_relaxed) & bit) == 0)
      word.fetch_or(bit, std::memory_order_relaxed);
  }
  return absl::OkStatus();
}

absl::Status NodeIds::SortList() {
  std::sort(list_.begin(), list_.end());
  list_.erase(std::unique(list_.begin(), list_.end()), list_.end());
  if (list_.size() > max_listed_)
    return absl::ResourceExhaustedError(
        absl::StrCat(place_, ": node ids go from ", least_, " to ", most_,
                     ", and there are more than ", max_listed_,
                     ": too many, so far apart, for the memory that may be used; number them from "
                     "0 on, or raise --memory"));
  list_.reserve(2 * list_.size());
  return absl::OkStatus();
}

absl::Status NodeIds::Number() {
  if (are_listed()) {
    QH_RETURN_IF_ERROR(SortList());
    num_nodes_ = static_cast<int64_t>(list_.size());
    return absl::OkStatus();
  }
  before_.reserve(bits_.size());
  for (const uint64_t word : bits_) {
    before_.push_back(num_nodes_);
    num_nodes_ += __builtin_popcountll(word);
  }
  return absl::OkStatus();
}

int64_t NodeIds::NodeOf(int64_t id) const {
  if (are_listed()) return std::lower_bound(list_.begin(), list_.end(), id) - list_.begin();
  const int64_t at = id - least_;
  const auto word = static_cast<size_t>(at / kBits);
  const uint64_t below = bits_[word] & ((uint64_t{1} << (at % kBits)) - 1);
  return before_[word] + __builtin_popcountll(below);
}

template <typename Visit>
void NodeIds::ForEachId(const Visit& visit) const {
  for (const int64_t id : list_) visit(id);
  for (size_t word = 0; word < bits_.size(); ++word)
    for (uint64_t rest = bits_[word]; rest != 0; rest &= rest - 1)
      visit(least_ + static_cast<int64_t>(word) * kBits + __builtin_ctzll(rest));
}

int64_t NodeIds::names_bytes() const {
  int64_t num_bytes = 0;
  ForEachId([&](int64_t id) { num_bytes += NameBytes(id); });
  return num_bytes;
}

void NodeIds::WriteNames(char* out) const {
  ForEachId([&](int64_t id) {
    out = std::to_chars(out, out + NameBytes(id), id).ptr;
    *out++ = '\n';
  });
}

}  // namespace quadhop
