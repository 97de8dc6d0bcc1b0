// Loops on all threads whose bodies may fail.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <functional>

#include "core/threads/thread_pool.h"

namespace quadhop {

// As ThreadPool::ParallelFor. Returns the error of the first item that failed: all items before it
// have been called; those after it that had not begun are skipped.
absl::Status ParallelForStatus(ThreadPool& pool, int64_t num_items,
                               const std::function<absl::Status(int64_t item, int worker)>& body);

// The same over the blocks of [0, num_items) (see Block).
absl::Status ParallelForBlocks(ThreadPool& pool, int64_t num_items, int64_t block_size,
                               const std::function<absl::Status(BlockRange)>& body);

}  // namespace quadhop
