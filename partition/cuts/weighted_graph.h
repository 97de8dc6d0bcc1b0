// Graphs whose nodes each stand for many: what a multilevel partitioner makes of the one it is
// given.
#pragma once

#include <absl/types/span.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "core/store/topology.h"

namespace quadhop {

// What parts must be even in: nodes, arcs, training nodes.
inline constexpr size_t kBalances = 3;
using Weights = std::array<int64_t, kBalances>;

inline Weights Plus(Weights sum, const Weights& more, int64_t sign = 1) {
  for (size_t b = 0; b < kBalances; ++b) sum[b] += sign * more[b];
  return sum;
}

// The graph of a store; every arc weighs 1. Borrows.
template <typename Index>
class TopologyLevel {
 public:
  TopologyLevel(absl::Span<const int64_t> indptr, absl::Span<const Index> indices,
                absl::Span<const uint8_t> train)
      : indptr_(indptr), indices_(indices), train_(train) {}

  int64_t num_nodes() const { return static_cast<int64_t>(indptr_.size()) - 1; }
  Weights weights(int64_t node) const {
    const auto v = static_cast<size_t>(node);
    return {1, indptr_[v + 1] - indptr_[v], train_.empty() ? 0 : int64_t{train_[v]}};
  }
  // visit(neighbour, weight), for no more than `most` of them.
  template <typename Visit>
  void ForEachNeighbor(int64_t node, const Visit& visit, int64_t most = INT64_MAX) const {
    const auto v = static_cast<size_t>(node);
    const int64_t begin = indptr_[v], end = begin + std::min(most, indptr_[v + 1] - begin);
    for (auto e = static_cast<size_t>(begin); e < static_cast<size_t>(end); ++e)
      visit(static_cast<int64_t>(indices_[e]), int64_t{1});
  }

 private:
  absl::Span<const int64_t> indptr_;
  absl::Span<const Index> indices_;
  absl::Span<const uint8_t> train_;
};

// A coarse graph: symmetric, without self-loops.
struct WeightedGraph {
  static constexpr int64_t kArcBytes = 2 * sizeof(uint32_t);

  std::vector<int64_t> indptr{0};     // [n + 1]
  std::vector<uint32_t> neighbors;    // [m], in [0, n), ascending within a row
  std::vector<uint32_t> arc_weights;  // [m]; those beyond 32 bits are 2^32 - 1
  std::vector<Weights> node_weights;  // [n]
  bool thinned = false;               // some arcs stand for others too (contraction.h)

  int64_t num_nodes() const { return static_cast<int64_t>(indptr.size()) - 1; }
  int64_t num_arcs() const { return static_cast<int64_t>(neighbors.size()); }
  int64_t bytes() const {
    return num_arcs() * kArcBytes +
           num_nodes() * static_cast<int64_t>(sizeof(int64_t) + sizeof(Weights));
  }
  const Weights& weights(int64_t node) const { return node_weights[static_cast<size_t>(node)]; }
  template <typename Visit>
  void ForEachNeighbor(int64_t node, const Visit& visit, int64_t most = INT64_MAX) const {
    const auto v = static_cast<size_t>(node);
    const int64_t begin = indptr[v], end = begin + std::min(most, indptr[v + 1] - begin);
    for (auto e = static_cast<size_t>(begin); e < static_cast<size_t>(end); ++e)
      visit(int64_t{neighbors[e]}, int64_t{arc_weights[e]});
  }
};

}  // namespace quadhop
