// One order for the launches of all communicators of a rank.
#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace quadhop {

// Rank 0 gives numbers out; every rank launches in the order of the numbers. Thread-safe.
class LaunchOrder {
 public:
  // The next number; on rank 0 only.
  int64_t Take() {
    const std::scoped_lock lock(mutex_);
    return taken_++;
  }

  // Waits until all launches before `number` are made; then the caller launches, and calls Done.
  // kDeadlineExceeded if they are not in time, kAborted after Break. `deadline` is finite.
  absl::Status AwaitTurn(int64_t number, absl::Duration deadline) {
    std::unique_lock lock(mutex_);
    const auto ready = [&] { return broken_ || done_ == number; };
    if (!changed_.wait_for(lock, absl::ToChronoNanoseconds(deadline), ready))
      return absl::DeadlineExceededError("another communicator of this rank did not launch");
    if (broken_) return absl::AbortedError("another communicator of this rank has failed");
    return absl::OkStatus();
  }
  void Done() {
    const std::scoped_lock lock(mutex_);
    ++done_;
    changed_.notify_all();
  }

  // A number that was taken will not be launched: nothing after it can be.
  void Break() {
    const std::scoped_lock lock(mutex_);
    broken_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int64_t taken_ = 0;
  int64_t done_ = 0;
  bool broken_ = false;
};

}  // namespace quadhop
