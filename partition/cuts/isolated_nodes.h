// Nodes without arcs: for the cut, any part is as good as another. METIS joins such nodes to
// arbitrary others and takes minutes for millions of them, so it is not given them.
#pragma once

#include <absl/types/span.h>

#include <cstdint>
#include <vector>

#include "partition/cuts/metis_graph.h"

namespace quadhop {

// How a graph was renumbered: nodes with arcs, then the isolated ones, each group in its former
// order.
struct LinkedFirst {
  std::vector<int32_t> old_of_new;  // [N]
  int32_t num_linked = 0;           // nodes with arcs
};
LinkedFirst PutLinkedFirst(MetisGraph& graph);

// Gives each node from `first` on to the part that holds least: training nodes to the one with the
// fewest of them, then those with arcs to the one with the fewest arcs, then the others, each group
// heaviest first. part_of [N], in [0, parts): given up to `first`, written from there on.
void DealOut(const MetisGraph& graph, int32_t first, int32_t parts, absl::Span<int32_t> part_of);

}  // namespace quadhop
