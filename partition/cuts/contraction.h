// The graph of clusters, within the memory available.
#pragma once

#include <cstdint>

#include "core/threads/thread_pool.h"
#include "partition/cuts/label_propagation.h"
#include "partition/cuts/weighted_graph.h"

namespace quadhop {

struct ContractOptions {
  bool symmetric = true;  // the graph holds the inverse of every arc; else inverses are added
  // At most about this many arcs are held, not counting those of weight 2^16 and more. If there
  // would be more, the graph is thinned: an arc of weight w below some t is kept with probability
  // w / t, and then weighs t. So the weight of every cut is kept in expectation. Threshold
  // sampling: Duffield, Lund and Thorup, IEEE Transactions on Information Theory 51 (2005).
  int64_t most_arcs = INT64_MAX;
  uint64_t seed = 0;  // of the random choice
};

// Each cluster becomes a node; arcs between two clusters become one, their weights summed; arcs
// inside a cluster are dropped. Does not depend on the threads. Memory besides: 4 bytes a node; 16
// a cluster, and what row_votes.h says; 24 more a cluster if the graph is not symmetric; half a MiB
// a thread.
template <typename Graph>
WeightedGraph Contract(const Graph& graph, const Clusters& clusters, const ContractOptions& options,
                       ThreadPool& pool);

}  // namespace quadhop
