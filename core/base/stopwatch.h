// How long something takes.
#pragma once

#include <absl/time/time.h>

#include <chrono>

namespace quadhop {

// Runs from its construction, by a clock that nobody sets. A value; any thread may call Elapsed.
class Stopwatch {
 public:
  absl::Duration Elapsed() const { return absl::FromChrono(Clock::now() - start_); }
  double Seconds() const { return absl::ToDoubleSeconds(Elapsed()); }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

}  // namespace quadhop
