// The graph that a partitioner cuts: that of a store, with the inverse of every arc.
#pragma once

#include <cstdint>
#include <vector>

#include "core/store/topology.h"
#include "core/threads/thread_pool.h"

namespace quadhop {

// The sum, over the arcs out of nodes [begin, end), of their hashes less those of their inverses.
// Over all nodes it is 0 if the topology holds the inverse of each of its arcs, and else with
// probability 2^-64.
uint64_t AsymmetryHash(const Topology& topology, int64_t begin, int64_t end, ThreadPool& pool);

// True if the topology holds the inverse of each of its arcs, by that hash.
bool IsSymmetric(const Topology& topology, ThreadPool& pool);

// Rows of a symmetric graph in compressed form.
template <typename Id>
struct SymmetricRows {
  std::vector<Id> starts;     // [rows + 1], from 0
  std::vector<Id> neighbors;  // [starts[rows]], ascending within a row, each once
};

// Rows [begin, end); if the topology is not `symmetric`, with the inverses of arcs that lead there,
// for which all arcs are read. Id holds node ids and numbers of arcs: int32_t or int64_t.
template <typename Id>
SymmetricRows<Id> SymmetricRowsOf(const Topology& topology, bool symmetric, int64_t begin,
                                  int64_t end);

}  // namespace quadhop
