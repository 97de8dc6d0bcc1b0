// A graph as METIS wants it: symmetric, with 32-bit ids and kBalances weights per node.
#pragma once

#include <absl/status/statusor.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "partition/cuts/partitioner.h"
#include "partition/cuts/weighted_graph.h"

namespace quadhop {

struct MetisGraph {
  std::vector<int32_t> xadj;                   // [N + 1]
  std::vector<int32_t> adjncy;                 // [xadj[N]]
  std::vector<int32_t> weights;                // [N, kBalances]; sums fit 32 bits
  std::vector<int32_t> arc_weights{};          // [xadj[N]], or empty: ones; the sum fits 32 bits
  std::array<double, kBalances> imbalances{};  // that METIS may leave, of each weight

  int32_t num_nodes() const { return static_cast<int32_t>(xadj.size()) - 1; }
  int32_t weight(int32_t node, size_t balance) const {
    return weights[static_cast<size_t>(node) * kBalances + balance];
  }

  // Adds the inverses of arcs if not `symmetric`; the arcs, with them, must be fewer than 2^31.
  static MetisGraph Of(const PartitionProblem& problem, bool symmetric);
};

// For a directed graph METIS is also given the inverses of arcs: at most as many again.
inline int64_t MetisArcs(int64_t num_arcs, bool directed) {
  return directed ? 2 * num_arcs : num_arcs;
}

// Memory of METIS and the graph that it is given, as measured: 84 bytes an arc if nodes have 4 to
// 10 arcs, few of which coarser graphs merge, 65 if they have 50, 40 if they have 100
// (docs/performance.md); nodes without arcs take some, too.
inline int64_t MetisBytes(int64_t num_nodes, int64_t num_arcs) {
  return std::min(95 * num_arcs, 50 * num_arcs + 800 * num_nodes) + 50 * num_nodes;
}
// The most arcs that METIS can take within `num_bytes`.
inline int64_t MostMetisArcs(int64_t num_nodes, int64_t num_bytes) {
  const int64_t bytes = num_bytes - 50 * num_nodes;
  return std::max({int64_t{0}, bytes / 95, (bytes - 800 * num_nodes) / 50});
}
// The most arcs between clusters that multilevel gives METIS, about: METIS counts and weighs in 32
// bits.
inline constexpr int64_t kMostClusterArcs = int64_t{1} << 29;
// Whether METIS can take the graph within this memory. Its ids have 32 bits.
inline bool MetisFits(int64_t num_nodes, int64_t num_arcs, bool directed, int64_t memory_bytes) {
  const int64_t arcs = MetisArcs(num_arcs, directed);
  return std::max(num_nodes, arcs) < std::numeric_limits<int32_t>::max() &&
         MetisBytes(num_nodes, arcs) <= memory_bytes;
}

// The part of each node, by METIS k-way in a child process. kUnavailable in a build without METIS;
// kInternal if METIS dies or refuses its input, kResourceExhausted if it runs out of memory.
absl::StatusOr<std::vector<int32_t>> CutMetisGraph(MetisGraph graph, int32_t parts, uint64_t seed);

}  // namespace quadhop
