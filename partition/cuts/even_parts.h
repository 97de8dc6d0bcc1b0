// Makes parts even in nodes, arcs and training nodes.
#pragma once

#include <absl/types/span.h>

#include <cstdint>
#include <vector>

#include "core/threads/thread_pool.h"
#include "partition/cuts/label_propagation.h"
#include "partition/cuts/partitioner.h"
#include "partition/cuts/weighted_graph.h"

namespace quadhop {

// What a part of the graph may hold, by problem.imbalances(); if the graph's heaviest node weighs
// more than that, then that node and a part's share of the others.
template <typename Graph>
Weights MostOfAPart(const Graph& graph, const PartitionProblem& problem);

// What the parts of a cut hold, and what a part may hold. part_of [n], in [0, P)
template <typename Graph>
MoveLimits LimitsOfParts(const Graph& graph, const PartitionProblem& problem,
                         absl::Span<const uint32_t> part_of);

// Moves nodes out of parts that hold more than they may: first those that cost the fewest cut arcs
// for what they weigh. A node may go to a part that then holds too much of something else, as long
// as the two parts together come nearer to what they may hold. Ends when no part holds too much, or
// no move of a node brings them nearer. Does not depend on the threads. Memory: 32 bytes a node of
// those parts.
template <typename Graph>
void EvenOut(const Graph& graph, uint64_t seed, ThreadPool& pool, MoveLimits& limits,
             absl::Span<uint32_t> part_of);

// Evens out a cut of the problem's graph: by EvenOut if a part holds too much, and then, if the
// graph is known to be symmetric, by one sweep of label_propagation.h.
std::vector<int32_t> EvenedOut(const PartitionProblem& problem, bool symmetric,
                               std::vector<int32_t> cut, ThreadPool& pool);

}  // namespace quadhop
