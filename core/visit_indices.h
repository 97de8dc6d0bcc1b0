// One code for both widths of ids of a Topology.
#pragma once

#include "core/store.h"

namespace quadhop {

// function(span of uint32_t or of int64_t): the neighbours of all nodes, whichever is in use.
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
