// What a person sees of training: on a terminal the lines of finished epochs and one live line,
// elsewhere only those of epochs, or, for programs, the lines of metrics.jsonl.
#pragma once

#include <absl/strings/string_view.h>

#include <cstdint>
#include <cstdio>
#include <string>

#include "launch/display/terminal_line.h"
#include "sampler/batches/batch_loader.h"

namespace quadhop {

enum class LogStyle { kText, kJson };

// The seconds of an epoch, or of what was trained of it since a resume, and those in which training
// waited.
struct TrainingWaits {
  double seconds = 0;
  StageSeconds batches_seconds{};  // for batches, by what their maker was doing
  double sums_seconds = 0;         // for sums over ranks
};

// Where a run stands, as the live line has it.
struct TrainingView {
  int64_t epoch = 0, epochs = 0;
  int64_t evaluations_left = 0;   // of the run, that of this epoch with them
  int64_t step = 0, steps = 0;    // of the epoch
  double loss = 0;                // mean of the epoch so far
  double valid = -1;              // of the last evaluation; -1: none yet
  double seconds = 0;             // of the epoch so far
  int64_t nodes = 0;              // trained on in those seconds, over all ranks
  double evaluation_seconds = 0;  // of the last one
  TrainingWaits waits;            // of the epoch, on this rank
};

// "epoch 3/60  step 120/400  loss 1.2340  valid 0.7123  35210 nodes/s  12m left  waits 23 %, most
// for exchange". The time left is that of the whole run.
std::string LiveLine(const TrainingView& view);

// What holds an epoch up: "computes", or if training waits at least a twentieth of the time, "waits
// 23 %, most for exchange" or another stage, or "... for sums over ranks", or for threads to wake,
// if steps are shorter than that takes.
std::string Bottleneck(const TrainingWaits& waits);

// Not thread-safe. Only rank 0 makes one that is enabled.
class TrainDisplay {
 public:
  // live: the terminal, if it is one. lines: where the lines of epochs go; with kJson they go to
  // `live`, so that stdout has JSON only.
  explicit TrainDisplay(bool enabled, LogStyle style = LogStyle::kText, std::FILE* lines = stdout,
                        std::FILE* live = stderr);

  // Prints a line that stays.
  void Say(absl::string_view line);
  // Rewrites the live line, a few times a second at most.
  void Show(const TrainingView& view);

 private:
  const bool enabled_;
  std::FILE* const lines_;
  TerminalLine live_;
};

}  // namespace quadhop
