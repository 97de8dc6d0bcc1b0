// What predict does once its arguments are read.
#pragma once

#include <absl/status/statusor.h>

#include <string>

#include "launch/command_line/exit_code.h"
#include "launch/ranks/runtime.h"
#include "launch/results/checkpoint_job.h"

namespace quadhop {

struct PredictJob {
  CheckpointJob model;
  int64_t samples = 1;  // of each node: results are those of the mean logits
  std::string nodes;    // a file that names nodes (NodeSelection); "": all
  // Files to write, each .npy or .csv by its ending; "": not wanted.
  std::string predictions;    // the class of a node, or for each of several labels 0 or 1
  std::string probabilities;  // [nodes, C]
  std::string embeddings;     // [nodes, H]
};

// The same files on any number of ranks. Collective.
absl::StatusOr<ExitCode> Predict(const PredictJob& job, const RankContext& context);

}  // namespace quadhop
