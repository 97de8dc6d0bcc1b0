// Losses and gradients that are not finite: found, undone, reported.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/batch.h"
#include "launch/run/json_object.h"
#include "launch/training/session.h"

namespace quadhop {

// Keeps what a step changes before its numbers are known to be good: running moments and the
// codebook. (Weights and the optimiser change after.) Used by one thread.
class StepBackup {
 public:
  explicit StepBackup(Session& session);

  // Before a step.
  void Take(const Batch& batch);
  // Puts back what was taken. False, and nothing is changed, if that cannot be done: while a
  // codebook collects the queries it will start from. Collective.
  absl::StatusOr<bool> Undo(const Batch& batch);

 private:
  absl::Span<int16_t> codes();

  Session& session_;
  const int64_t first_node_;         // of this rank
  std::vector<StateArray> buffers_;  // views: state that is no parameter
  std::vector<std::vector<float>> floats_;
  std::vector<int64_t> integers_;
  std::vector<int16_t> batch_codes_;  // [B]
  bool started_ = false;
};

// The parameters whose gradient is not finite, by name. The same on every rank.
std::vector<std::string> BadGradients(ParameterSet& parameters);

// {"step":, "epoch":, "loss":, "tensors": [...], "nodes": [...]}: nodes of all ranks, numbered as
// in the input. Collective; the same on every rank.
absl::StatusOr<JsonObject> DescribeBadStep(Session& session, const Batch& batch, double loss,
                                           const std::vector<std::string>& tensors);

}  // namespace quadhop
