// The graph of clusters, in the memory that there is.
#pragma once

#include <cstdint>

#include "core/thread_pool.h"
#include "partition/cuts/label_propagation.h"
#include "partition/cuts/weighted_graph.h"

namespace quadhop {

struct ContractOptions {
  bool symmetric = true;  // the graph holds the inverse of each of its arcs; else they are added
  // About so many arcs are held at most, those of weight 2^16 and more not counted. Where there
  // would be more the graph is thinned: of arcs lighter than some t, one of weight w stays with
  // probability w / t, and weighs t then. So the weight of every cut is kept in expectation.
  // Threshold sampling: Duffield, Lund and Thorup, IEEE Transactions on Information Theory 51
  // (2005).
  int64_t most_arcs = INT64_MAX;
  uint64_t seed = 0;  // of the lot
};

// Each cluster a node; arcs between clusters once, their weights summed, those inside dropped. Does
// not depend on the threads. Memory besides: 4 bytes a node; 16 a cluster, and what row_votes.h
// says; of a graph that is not symmetric 24 more a cluster; half a MiB a thread.
template <typename Graph>
WeightedGraph Contract(const Graph& graph, const Clusters& clusters, const ContractOptions& options,
                       ThreadPool& pool);

}  // namespace quadhop
