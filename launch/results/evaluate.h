// What eval does once its arguments are read.
#pragma once

#include <absl/status/statusor.h>

#include <string>

#include "launch/command_line/exit_code.h"
#include "launch/ranks/runtime.h"
#include "launch/results/checkpoint_job.h"

namespace quadhop {

struct EvaluateJob {
  CheckpointJob model;
  std::string split;  // "": the one that the run was trained on
  bool as_json = false;
  int64_t samples = 1;  // of each node: metrics are those of the mean logits
};

// Prints metrics of all parts of the split, on rank 0. Collective.
absl::StatusOr<ExitCode> Evaluate(const EvaluateJob& job, const RankContext& context);

}  // namespace quadhop
