// What an epoch's training waited for, and how its batches were made.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <string>

#include "comm/collectives/communicator.h"
#include "core/base/stopwatch.h"
#include "launch/display/train_display.h"
#include "launch/json/json_object.h"
#include "model/checkpoint/checkpoint.pb.h"
#include "model/largegt/largegt.h"
#include "sampler/batches/batch_loader.h"

namespace quadhop {

// What one process did of an epoch: all of it, or the steps since it resumed.
struct PipelineStats {
  LoaderStats batches;
  absl::Duration waited_for_sums;
  int64_t steps = 0;
  double seconds = 0;
};

// Counts what one process does of an epoch. Borrows the loader and the model.
class EpochClock {
 public:
  // Before the loader is started. `before`: what was done of the epoch until the run was resumed.
  EpochClock(const BatchLoader& loader, const LargeGT& model, const EpochProgress& before);

  // After a step: what was done up to here, which sets the seconds and waits of `done`.
  PipelineStats Record(EpochProgress& done) const;

 private:
  const BatchLoader& loader_;
  const LargeGT& model_;
  const EpochProgress before_;
  const absl::Duration waited_before_;
  const Stopwatch watch_;
};

// The same over all ranks: seconds are means, traffic is summed.
class PipelineReport {
 public:
  // epoch_seconds: including those of steps before a resume. Collective. Errors are the
  // communicator's.
  static absl::StatusOr<PipelineReport> Combine(Communicator& comm, const PipelineStats& stats,
                                                double epoch_seconds);

  // Adds one object, "loading", about the steps since the last resume: steps, and the seconds they
  // took; exposed_STAGE_seconds and busy_STAGE_seconds for plan, sample, unique, exchange and
  // gather; exposed_sums_seconds; if features are partitioned: remote_rows, feature_bytes_received,
  // and if any were remote: hot_set_hit_rate. Unlike the rest of an epoch's event, it depends on
  // how the epoch was run.
  void AddTo(JsonObject& event) const;

  double epoch_seconds() const { return epoch_seconds_; }
  TrainingWaits waits() const { return {seconds_, batches_.exposed_seconds, sums_seconds_}; }

 private:
  LoaderStats batches_;
  int64_t steps_ = 0;
  double sums_seconds_ = 0;  // waited for sums
  double seconds_ = 0;       // of the steps; at least all waits together
  double epoch_seconds_ = 0;
};

}  // namespace quadhop
