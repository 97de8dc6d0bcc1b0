// Sets of nodes that only grow together (union-find): connected components, once every arc has
// joined its ends.
#pragma once

#include <atomic>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

namespace quadhop {

// Thread-safe. Takes 8 bytes a node.
class Components {
 public:
  explicit Components(int64_t num_nodes) : parent_(static_cast<size_t>(num_nodes)) {
    std::iota(parent_.begin(), parent_.end(), int64_t{0});
  }

  void Join(int64_t a, int64_t b) {
    for (;;) {
      a = Find(a);
      b = Find(b);
      if (a == b) return;
      if (a < b) std::swap(a, b);  // the root of a set is its smallest node, so there are no rings
      int64_t expected = a;
      if (At(a).compare_exchange_strong(expected, b)) return;
    }
  }

  // The smallest node of its set.
  int64_t Find(int64_t node) {
    for (;;) {
      const int64_t parent = At(node).load();
      if (parent == node) return node;
      const int64_t above = At(parent).load();
      At(node).store(above);  // halves the path for later calls
      node = above;
    }
  }

 private:
  std::atomic_ref<int64_t> At(int64_t node) {
    return std::atomic_ref<int64_t>(parent_[static_cast<size_t>(node)]);
  }
  std::vector<int64_t> parent_;
};

}  // namespace quadhop
