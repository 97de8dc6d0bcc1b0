// The threads of one rank.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace quadhop {

// A fixed set of threads that run loops together. A pool runs one loop at a time: ParallelFor may
// be called from any thread (calls from several threads take turns), but not from inside a loop of
// the same pool.
class ThreadPool {
 public:
  // num_threads >= 1, including ParallelFor's caller. Throws std::system_error if the system
  // refuses a thread.
  explicit ThreadPool(int num_threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int num_threads() const;

  // Calls body(item, worker) once for each item in [0, num_items), worker in [0, num_threads), and
  // returns when all are done. Results must not depend on which worker gets which item. The body
  // may throw, as when memory or threads run out: items not begun are skipped, and when all workers
  // have left the loop, the first exception is rethrown.
  void ParallelFor(int64_t num_items, const std::function<void(int64_t item, int worker)>& body);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// [begin, end) of block `block` of `num_items` cut into blocks of `block_size` (the last may be
// smaller).
struct BlockRange {
  int64_t begin;
  int64_t end;
};
inline int64_t NumBlocks(int64_t num_items, int64_t block_size) {
  return num_items / block_size + (num_items % block_size != 0);
}
inline BlockRange Block(int64_t block, int64_t num_items, int64_t block_size) {
  const int64_t begin = block * block_size;
  return {begin, num_items - begin < block_size ? num_items : begin + block_size};
}

}  // namespace quadhop
