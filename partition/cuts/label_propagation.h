// Moves of nodes to where most of their neighbours are, under limits of weight: clusters to coarsen
// a graph by, and better parts of a cut. Meyerhenke, Sanders and Schulz, "Partitioning Complex
// Networks via Size-Constrained Clustering", SEA 2014.
//
// Nodes move in rounds: those of a round choose by the labels before it, on all threads, and are
// then moved one after another as far as the limits allow. So results do not depend on the threads.
#pragma once

#include <absl/types/span.h>

#include <cstdint>
#include <vector>

#include "core/threads/thread_pool.h"
#include "partition/cuts/weighted_graph.h"

namespace quadhop {

struct MoveLimits {
  std::vector<Weights> used;  // [labels]: of the nodes that have the label
  Weights most{};             // what a move may bring a label to; a single node may exceed it

  void Move(const Weights& weights, uint32_t from, uint32_t into) {
    used[from] = Plus(used[from], weights, -1);
    used[into] = Plus(used[into], weights);
  }
};

// One sweep over all nodes: changes labels [n], in [0, limits.used.size()), and `limits.used` with
// them. Returns the number of nodes that moved. Memory: 2 bytes a node, and what row_votes.h says.
template <typename Graph>
int64_t SweepLabels(const Graph& graph, uint64_t seed, ThreadPool& pool, MoveLimits& limits,
                    absl::Span<uint32_t> labels);

// Clusters of nodes that belong together, none heavier than `most` unless it is a single node;
// numbered from 0 without gaps  // [n]
struct Clusters {
  std::vector<uint32_t> of;  // [n]
  int64_t count = 0;
};
template <typename Graph>
Clusters ClusterNodes(const Graph& graph, const Weights& most, uint64_t seed, ThreadPool& pool);

}  // namespace quadhop
