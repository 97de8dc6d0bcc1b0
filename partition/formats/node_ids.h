// Node ids with gaps, and the numbers 0, 1, ... in their order.
#pragma once

#include <absl/status/statusor.h>

#include <atomic>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace quadhop {

// A set of ids as bits, so its memory is in proportion to the range of ids, not to the arcs. First
// Add all, then Number, then ask. Not thread-safe.
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

  // kInvalidArgument for an empty range; kResourceExhausted if max_bytes do not hold it: the ids
  // are then best renumbered first.
  static absl::StatusOr<NodeIds> Make(const Range& range, int64_t max_bytes);

  void Add(int64_t id);
  void Number();

  int64_t num_nodes() const { return num_nodes_; }
  bool contiguous() const { return least_ == 0 && num_nodes_ == num_ids_; }  // ids are numbers
  int64_t NodeOf(int64_t id) const;                                          // the id was added
  std::string Names() const;  // all ids, ascending, one a line

 private:
  NodeIds() = default;
  int64_t least_ = 0;
  int64_t num_ids_ = 0;    // from the least to the largest
  int64_t num_nodes_ = 0;  // of them, those that were added
  std::vector<uint64_t> bits_;
  std::vector<int64_t> before_;  // nodes in the words before each
};

}  // namespace quadhop
