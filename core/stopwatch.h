// How long something takes.
#pragma once

#include <absl/time/time.h>

#include <chrono>

namespace quadhop {

// Runs from its making, by a clock that nobody sets. A value; Elapsed may be asked by any thread.
class Stopwatch {
 public:
  absl::Duration Elapsed() const { return absl::FromChrono(Clock::now() - start_); }
  double Seconds() const { return absl::ToDoubleSeconds(Elapsed()); }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

}  // namespace quadhop
