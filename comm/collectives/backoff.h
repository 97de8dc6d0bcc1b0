// Waiting for other ranks by polling.
#pragma once

#include <absl/time/time.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <thread>

namespace quadhop {

// A wait by polling, which begins when the object is made. Short waits spin; longer ones give the
// core away, since ranks and their threads often share cores, and a rank that polls would hold up
// the very peer it waits for. Pauses grow with the wait, to which they can thus add an eighth: a
// thread that waits in the background for a rank that is still computing takes little of its own
// rank's core.
class Backoff {
 public:
  explicit Backoff(absl::Duration deadline) : deadline_(deadline) {}

  absl::Duration Elapsed() const { return absl::FromChrono(Clock::now() - start_); }
  bool Expired() const { return Elapsed() > deadline_; }
  void Pause() const {
    const absl::Duration elapsed = Elapsed();
    if (elapsed < absl::Microseconds(5)) return;
    if (elapsed < absl::Microseconds(300) && Clock::now() >= busy_until_) {
      Yield();
    } else {
      std::this_thread::sleep_for(
          absl::ToChronoMicroseconds(std::min(elapsed / 8, absl::Microseconds(500))));
    }
  }

 private:
  using Clock = std::chrono::steady_clock;

  // A thread that yields to a program that computes runs again when that program has had its time
  // slice, some milliseconds later; one that sleeps is woken in time. So for a while after such a
  // yield, waits sleep.
  static void Yield() {
    const Clock::time_point before = Clock::now();
    sched_yield();
    const Clock::time_point after = Clock::now();
    if (after - before > std::chrono::milliseconds(1))
      busy_until_ = after + std::chrono::milliseconds(100);
  }

  const absl::Duration deadline_;
  const Clock::time_point start_ = Clock::now();
  static inline thread_local Clock::time_point busy_until_;  // others use the core till then
};

}  // namespace quadhop
