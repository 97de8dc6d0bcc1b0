#include "core/threads/thread_pool.h"

#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/check.h"

namespace quadhop {

// A loop is published under `mutex` with a new generation; workers that wake in time join it
// (`active` counts them), take items from `next` until none is left, and leave. The caller takes
// part, then closes the loop to latecomers and waits for those inside. A worker that sleeps through
// a short loop costs nothing.
struct ThreadPool::State {
  std::mutex turn;  // held by the caller of ParallelFor: one loop at a time

  std::mutex mutex;  // guards what follows, up to `next`
  std::condition_variable wake;
  std::condition_variable left;
  const std::function<void(int64_t, int)>* body = nullptr;  // null: no loop to join
  int64_t num_items = 0;
  uint64_t generation = 0;
  int active = 0;
  bool stop = false;
  std::exception_ptr error;  // the first in the loop

  alignas(64) std::atomic<int64_t> next{0};
  std::vector<std::thread> threads;

  // Also runs if the system refuses one of the threads: then it ends those started before.
  ~State() {
    {
      std::lock_guard<std::mutex> lock(mutex);
      stop = true;
    }
    wake.notify_all();
    for (std::thread& thread : threads) thread.join();
  }

  void TakeItems(const std::function<void(int64_t, int)>& loop_body, int64_t count, int worker) {
    try {
      for (int64_t item = next.fetch_add(1, std::memory_order_relaxed); item < count;
           item = next.fetch_add(1, std::memory_order_relaxed))
        loop_body(item, worker);
    } catch (...) {
      next.store(count, std::memory_order_relaxed);  // the rest is skipped
      std::lock_guard<std::mutex> lock(mutex);
      if (error == nullptr) error = std::current_exception();
    }
  }

  void Work(int worker) {
    uint64_t seen = 0;
    std::unique_lock<std::mutex> lock(mutex);
    while (true) {
      wake.wait(lock, [&] { return stop || (body != nullptr && generation != seen); });
      if (stop) return;
      seen = generation;
      ++active;
      const auto* loop_body = body;
      const int64_t count = num_items;
      lock.unlock();
      TakeItems(*loop_body, count, worker);
      lock.lock();
      if (--active == 0) left.notify_one();
    }
  }
};

ThreadPool::ThreadPool(int num_threads) : state_(std::make_unique<State>()) {
  QH_CHECK_GE(num_threads, 1);
  state_->threads.reserve(static_cast<size_t>(num_threads - 1));
  for (int worker = 1; worker < num_threads; ++worker)
    state_->threads.emplace_back([state = state_.get(), worker] { state->Work(worker); });
}

ThreadPool::~ThreadPool() = default;

int ThreadPool::num_threads() const { return static_cast<int>(state_->threads.size()) + 1; }

void ThreadPool::ParallelFor(int64_t num_items,
                             const std::function<void(int64_t item, int worker)>& body) {
  if (num_items <= 0) return;
  State& state = *state_;
  std::lock_guard<std::mutex> turn(state.turn);
  if (num_items == 1 || state.threads.empty()) {
    for (int64_t item = 0; item < num_items; ++item) body(item, 0);
    return;
  }
  {
    std::lock_guard<std::mutex> lock(state.mutex);
    state.next.store(0, std::memory_order_relaxed);
    state.body = &body;
    state.num_items = num_items;
    ++state.generation;
  }
  if (num_items - 1 < static_cast<int64_t>(state.threads.size())) {
    for (int64_t i = 1; i < num_items; ++i) state.wake.notify_one();
  } else {
    state.wake.notify_all();
  }
  state.TakeItems(body, num_items, 0);
  std::unique_lock<std::mutex> lock(state.mutex);
  state.body = nullptr;
  state.left.wait(lock, [&] { return state.active == 0; });
  if (state.error != nullptr) std::rethrow_exception(std::exchange(state.error, nullptr));
}

}  // namespace quadhop
