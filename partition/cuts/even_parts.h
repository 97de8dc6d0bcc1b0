// Parts that are even in nodes, arcs and training nodes, of parts that need not be.
#pragma once

#include <absl/types/span.h>

#include <cstdint>

#include "core/thread_pool.h"
#include "partition/cuts/label_propagation.h"
#include "partition/cuts/partitioner.h"
#include "partition/cuts/weighted_graph.h"

namespace quadhop {

// What the parts of a cut hold, and what a part may hold by problem.imbalances(). part_of [n], in
// [0, P)
template <typename Graph>
MoveLimits LimitsOfParts(const Graph& graph, const PartitionProblem& problem,
                         absl::Span<const uint32_t> part_of);

// Moves nodes out of parts that hold more than they may, to parts with room: those first that cost
// the fewest cut arcs for what they weigh. Ends when no part holds too much, or no node of those
// that do fits elsewhere. Does not depend on the threads. Memory: 32 bytes a node of those parts.
template <typename Graph>
void EvenOut(const Graph& graph, uint64_t seed, ThreadPool& pool, MoveLimits& limits,
             absl::Span<uint32_t> part_of);

}  // namespace quadhop
