// One step of a random walk along arcs.
#pragma once

#include <cstdint>

#include "core/base/rng.h"
#include "core/store/topology.h"

namespace quadhop {

// Out-neighbour `i` of a node, in [0, degree).
inline int64_t Neighbor(const Topology& topology, int64_t node, uint64_t i) {
  const auto at = static_cast<size_t>(topology.indptr[static_cast<size_t>(node)]) + i;
  return VisitIndices(topology, [at](auto indices) { return static_cast<int64_t>(indices[at]); });
}

// A uniformly drawn out-neighbour; the node itself if it has none.
inline int64_t RandomNeighbor(const Topology& topology, int64_t node, RandomStream& random) {
  const int64_t degree = topology.degree(node);
  if (degree == 0) return node;
  return Neighbor(topology, node, random.Below(static_cast<uint64_t>(degree)));
}

}  // namespace quadhop
