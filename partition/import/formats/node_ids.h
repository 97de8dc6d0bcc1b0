// Node ids with gaps, and the numbers 0, 1, ... in their order.
#pragma once

#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace quadhop {

// A set of ids, held as bits, whose memory is in proportion to the range of ids, not to the arcs;
// or if that is too much, as for hashes, as a list. First Add all, then Number, then ask.
// Thread-safe except Number.
class NodeIds {
 public:
  // Thread-safe.
  struct Range {
    std::atomic<int64_t> least = std::numeric_limits<int64_t>::max();
    std::atomic<int64_t> most = std::numeric_limits<int64_t>::min();
    void Include(int64_t id) {
      for (int64_t old = least; id < old && !least.compare_exchange_weak(old, id);) {
      }
      for (int64_t old = most; id > old && !most.compare_exchange_weak(old, id);) {
      }
    }
  };

  // Errors name `place`. kInvalidArgument for an empty range.
  static absl::StatusOr<NodeIds> Make(const Range& range, const std::string& place,
                                      int64_t max_bytes);

  // kResourceExhausted if max_bytes hold neither their range nor the ids.
  absl::Status Add(absl::Span<const int64_t> ids);
  absl::Status Number();

  int64_t num_nodes() const { return num_nodes_; }
  bool contiguous() const { return least_ == 0 && num_nodes_ == num_ids_; }  // ids are node numbers
  int64_t NodeOf(int64_t id) const;  // the id must have been added
  // All ids, ascending, one a line.
  int64_t names_bytes() const;
  void WriteNames(char* out) const;  // names_bytes() bytes

 private:
  NodeIds() = default;
  bool are_listed() const { return bits_.empty(); }
  template <typename Visit>
  void ForEachId(const Visit& visit) const;
  absl::Status SortList();  // and removes duplicates

  std::string place_;
  int64_t least_ = 0;
  int64_t most_ = 0;
  int64_t num_ids_ = 0;    // from the least to the largest
  int64_t num_nodes_ = 0;  // of them, those that were added
  std::vector<uint64_t> bits_;
  std::vector<int64_t> before_;  // nodes in the words before each
  std::vector<int64_t> list_;    // else the ids, ascending once they are numbered
  size_t max_listed_ = 0;
  std::unique_ptr<std::mutex> listing_ = std::make_unique<std::mutex>();
};

}  // namespace quadhop
