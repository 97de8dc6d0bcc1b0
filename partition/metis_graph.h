// A graph as METIS wants it: symmetric, 32-bit ids, weights a node.
#pragma once

#include <cstdint>
#include <vector>

#include "core/thread_pool.h"
#include "partition/partitioner.h"

namespace quadhop {

// True if the topology holds the inverse of each of its arcs: by comparing sums of hashes, so wrong
// with probability 2^-64.
bool IsSymmetric(const Topology& topology, ThreadPool& pool);

struct MetisGraph {
  std::vector<int32_t> xadj;     // [N + 1]
  std::vector<int32_t> adjncy;   // [xadj[N]]
  std::vector<int32_t> weights;  // [N, num_constraints]
  int32_t num_constraints = 0;   // nodes; arcs and training nodes if there are any

  // Adds the inverses of arcs if not `symmetric`; the arcs, with them, must be fewer than 2^31.
  static MetisGraph Of(const PartitionProblem& problem, bool symmetric);
};

}  // namespace quadhop
