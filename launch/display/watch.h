// A run as its folder shows it to somebody else.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <string>
#include <utility>

namespace quadhop {

// Follows metrics.jsonl, alive.json and lock of a run. Not thread-safe.
class RunWatch {
 public:
  enum class State {
    kRunning,
    kLost,     // says that it runs, but its process here is gone, or it was silent for kSilence
    kStopped,  // as asked, or by an error; may be resumed
    kFinished,
  };

  explicit RunWatch(std::string run) : run_(std::move(run)) {}

  // The lines of epochs since the last call, as train prints them: "epoch 3/60  loss 1.2340  valid
  // 0.7123  test 0.7011  12.30 s  35210 nodes/s". kNotFound: no such run.
  absl::StatusOr<std::string> NewEpochs();

  struct Standing {
    State state = State::kRunning;
    std::string line;  // "running on n1: training, step 1234"
  };
  absl::StatusOr<Standing> Now(absl::Time now);

 private:
  std::string run_;
  int64_t read_bytes_ = 0;  // of metrics.jsonl: whole lines
  std::string last_line_;   // of those
};

}  // namespace quadhop
