// Giving the nodes of a graph new numbers.
#pragma once

#include <absl/types/span.h>

#include <cstdint>
#include <vector>

#include "core/store/topology.h"
#include "core/threads/thread_pool.h"

namespace quadhop {

// A permutation of [0, N), both ways.
struct Numbering {
  std::vector<int64_t> old_of_new;  // [N]
  std::vector<int64_t> new_of_old;  // [N]

  // QH_CHECKs nothing: old_of_new must be a permutation.
  static Numbering FromOldOfNew(std::vector<int64_t> old_of_new);
};

// The same graph in the new numbers, neighbours ascending. Index is uint32_t, or int64_t where N
// passes 2^32.
template <typename Index>
void RenumberTopology(const Topology& topology, const Numbering& numbering,
                      absl::Span<int64_t> indptr,  // [N + 1]
                      absl::Span<Index> indices,   // [E]
                      ThreadPool& pool);

// Rows of row_bytes bytes, in the new order.
void RenumberRows(const uint8_t* rows,  // [N, row_bytes], in the old order
                  const Numbering& numbering, int64_t row_bytes,
                  uint8_t* renumbered,  // [N, row_bytes]
                  ThreadPool& pool);

}  // namespace quadhop
