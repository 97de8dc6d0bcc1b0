// The arcs of a graph in memory.
#pragma once

#include <absl/types/span.h>

#include <cstddef>
#include <cstdint>

namespace quadhop {

// Ids of neighbours have 4 bytes, or 8 if 4 cannot number all nodes.
constexpr bool HasWideIds(int64_t num_nodes) { return num_nodes > int64_t{UINT32_MAX}; }
constexpr int64_t IdBytes(int64_t num_nodes) { return HasWideIds(num_nodes) ? 8 : 4; }

// Bytes of a graph with this many nodes and arcs.
constexpr int64_t TopologyBytes(int64_t num_nodes, int64_t num_arcs) {
  return (num_nodes + 1) * 8 + num_arcs * IdBytes(num_nodes);
}

// Out-neighbours of every node, ascending, without duplicates or self-loops. Borrowed from a Store
// (or from a test).
struct Topology {
  absl::Span<const int64_t> indptr;  // [N + 1]
  // Exactly one of the two is in use, by the width of ids on disk.
  absl::Span<const uint32_t> indices32;  // [E], values in [0, N)
  absl::Span<const int64_t> indices64;   // [E], values in [0, N)

  int64_t num_nodes() const { return static_cast<int64_t>(indptr.size()) - 1; }
  int64_t num_bytes() const {
    return static_cast<int64_t>(indptr.size() * sizeof(int64_t) +
                                indices32.size() * sizeof(uint32_t) +
                                indices64.size() * sizeof(int64_t));
  }
  int64_t num_arcs() const { return indptr.empty() ? 0 : indptr.back(); }
  int64_t degree(int64_t node) const {
    return indptr[static_cast<size_t>(node) + 1] - indptr[static_cast<size_t>(node)];
  }
};

// The same code for both widths of ids: calls function(span of uint32_t or of int64_t) with the
// neighbours of all nodes, in whichever width is in use.
template <typename Function>
decltype(auto) VisitIndices(const Topology& topology, Function&& function) {
  return topology.indices64.empty() ? function(topology.indices32) : function(topology.indices64);
}

// The neighbours of one node out of those of all.
template <typename Index>
absl::Span<const Index> NeighborsOf(const Topology& topology, absl::Span<const Index> indices,
                                    int64_t node) {
  return indices.subspan(static_cast<size_t>(topology.indptr[static_cast<size_t>(node)]),
                         static_cast<size_t>(topology.degree(node)));
}

}  // namespace quadhop
