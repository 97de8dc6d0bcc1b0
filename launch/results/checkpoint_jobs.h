// What eval, predict and export do once their arguments are read: on every rank, collectively.
#pragma once

#include <absl/status/statusor.h>

#include <string>

#include "launch/command_line/command.h"
#include "launch/config.pb.h"
#include "launch/ranks/runtime.h"

namespace quadhop {

// A checkpoint of a run, and the store it is applied to.
struct CheckpointJob {
  std::string run;
  std::string checkpoint;  // its path
  std::string store;
  Config config;  // of the run
};

struct EvaluateJob {
  CheckpointJob model;
  std::string split;  // "": the one that the run was trained on
  bool as_json = false;
};

// Prints metrics of all parts of the split, on rank 0.
absl::StatusOr<ExitCode> Evaluate(const EvaluateJob& job, const RankContext& context);

// Files to write, each .npy or .csv by its ending; "": not wanted.
struct PredictJob {
  CheckpointJob model;
  std::string nodes;          // a file that names nodes (NodeSelection); "": all
  std::string predictions;    // the class of a node, or for each of several labels 0 or 1
  std::string probabilities;  // [nodes, C]
  std::string embeddings;     // [nodes, H]
};

// The same files on any number of ranks.
absl::StatusOr<ExitCode> Predict(const PredictJob& job, const RankContext& context);

// Writes the weights, and the codes of the store's nodes, as safetensors under the paper code's
// names. On one rank.
absl::Status Export(const CheckpointJob& job, const std::string& out);

}  // namespace quadhop
