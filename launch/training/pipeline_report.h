// How the batches of an epoch were made: what training waited for, and what was exchanged.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>

#include "comm/communicator.h"
#include "launch/run/json_object.h"
#include "sampler/batch_loader.h"

namespace quadhop {

// Of all ranks: seconds are their mean, traffic their sum.
class PipelineReport {
 public:
  // Collective. Errors are the communicator's.
  static absl::StatusOr<PipelineReport> Combine(Communicator& comm, const LoaderStats& mine);

  // One object, "loading": exposed_STAGE_seconds and busy_STAGE_seconds for plan, sample, unique,
  // exchange and gather; and if features are partitioned: remote_rows, hot_set_hit_rate,
  // feature_bytes_received. Unlike the rest of an epoch's event it depends on how the epoch was
  // run.
  void AddTo(JsonObject& event) const;

  // What training waited for.
  const StageSeconds& exposed_seconds() const { return stats_.exposed_seconds; }

 private:
  LoaderStats stats_;
};

}  // namespace quadhop
