// What an epoch's training waited for, and how its batches were made.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <string>

#include "comm/communicator.h"
#include "launch/display/train_display.h"
#include "launch/json/json_object.h"
#include "sampler/batch_loader.h"

namespace quadhop {

// Of all ranks: seconds are their mean, traffic their sum.
class PipelineReport {
 public:
  // Collective. Errors are the communicator's.
  static absl::StatusOr<PipelineReport> Combine(Communicator& comm, const LoaderStats& batches,
                                                absl::Duration waited_for_sums,
                                                double epoch_seconds);

  // One object, "loading": exposed_STAGE_seconds and busy_STAGE_seconds for plan, sample, unique,
  // exchange and gather; exposed_sums_seconds; and if features are partitioned: remote_rows,
  // hot_set_hit_rate, feature_bytes_received. Unlike the rest of an epoch's event it depends on how
  // the epoch was run.
  void AddTo(JsonObject& event) const;

  double epoch_seconds() const { return epoch_seconds_; }
  TrainingWaits waits() const { return {batches_.exposed_seconds, sums_seconds_}; }

 private:
  LoaderStats batches_;
  double sums_seconds_ = 0;   // waited for sums
  double epoch_seconds_ = 0;  // no less than all waits
};

}  // namespace quadhop
