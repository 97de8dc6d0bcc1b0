// A loop over the rows of an array, on all threads of a pool.
#pragma once

#include <cstdint>

#include "core/threads/thread_pool.h"

namespace quadhop {

// body(row, worker) for each row in [0, num_rows), `rows_per_block` of them at a time by one
// worker.
template <typename Body>
void ForEachRow(int64_t num_rows, int64_t rows_per_block, ThreadPool& pool, const Body& body) {
  pool.ParallelFor(NumBlocks(num_rows, rows_per_block), [&](int64_t block, int worker) {
    const BlockRange range = Block(block, num_rows, rows_per_block);
    for (int64_t row = range.begin; row < range.end; ++row) body(row, worker);
  });
}

}  // namespace quadhop
