// Losses and gradients that are not finite: found, undone, reported.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/batch/batch.h"
#include "launch/json/json_object.h"
#include "launch/session/session.h"

namespace quadhop {

// Keeps what a step changes before its numbers are known to be good: running moments and the
// codebook. (Weights and the optimiser change only after that.) Used by one thread.
class StepBackup {
 public:
  explicit StepBackup(Session& session);

  // Before a step.
  void Take();
  // Puts back what was taken. Collective.
  absl::Status Undo(const Batch& batch);

 private:
  Session& session_;
  std::vector<StateArray> buffers_;   // views: state other than parameters
  std::vector<Array<float>> floats_;  // in the model's memory
  std::vector<int64_t> integers_;
  Codebook::Progress codebook_;
};

// The parameters whose gradient in the last training step is not finite, by name. The same on every
// rank.
std::vector<std::string> BadGradients(LargeGT& model);

// {"step":, "epoch":, "loss":, "tensors": [...], "nodes": [...]}: nodes of all ranks, numbered as
// in the input. Collective; the same on every rank.
absl::StatusOr<JsonObject> DescribeBadStep(Session& session, const Batch& batch, double loss,
                                           const std::vector<std::string>& tensors);

}  // namespace quadhop
