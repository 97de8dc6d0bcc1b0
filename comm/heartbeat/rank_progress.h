// How far a rank is in its work, for messages about it.
#pragma once

#include <atomic>
#include <cstdint>

namespace quadhop {

// Set by the thread that works, read by any. Thread-safe.
class RankProgress {
 public:
  // phase: a string literal, of which 39 bytes are sent to others: "training".
  void Set(const char* phase, int64_t step) {
    step_ = step;
    phase_ = phase;
  }
  const char* phase() const { return phase_; }
  int64_t step() const { return step_; }

 private:
  std::atomic<const char*> phase_ = "starting";
  std::atomic<int64_t> step_ = 0;
};

}  // namespace quadhop
