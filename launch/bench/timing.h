// The clocks of benchmarks.
#pragma once

#include <chrono>
#include <ctime>

namespace quadhop {

// Of a clock that is never set back; only differences mean something.
inline double SteadySeconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// That this thread computed: what else runs on the machine counts less.
inline double CpuSeconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace quadhop
