#include "core/threads/parallel_status.h"

#include <atomic>
#include <mutex>

namespace quadhop {

absl::Status ParallelForStatus(ThreadPool& pool, int64_t num_items,
                               const std::function<absl::Status(int64_t item, int worker)>& body) {
  absl::Status error;
  std::atomic<int64_t> failed = num_items;  // the first failed item so far
  std::mutex mutex;                         // for changes to both
  pool.ParallelFor(num_items, [&](int64_t item, int worker) {
    if (item > failed) return;
    absl::Status status = body(item, worker);
    if (status.ok()) return;
    const std::lock_guard<std::mutex> lock(mutex);
    if (item > failed) return;
    failed = item;
    error = std::move(status);
  });
  return error;
}

absl::Status ParallelForBlocks(ThreadPool& pool, int64_t num_items, int64_t block_size,
                               const std::function<absl::Status(BlockRange)>& body) {
  return ParallelForStatus(pool, NumBlocks(num_items, block_size), [&](int64_t block, int) {
    return body(Block(block, num_items, block_size));
  });
}

}  // namespace quadhop
