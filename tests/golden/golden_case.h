// A golden case: inputs, weights, and what an independent implementation (PyTorch, float64)
// computed from them over a few steps of Adam. One .safetensors file; DESIGN.md section 4.
//
// Dims as there: N nodes, K sampled nodes each, F features, H width, h heads, G encoding width, M
// centroids, C classes, B batch nodes.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace quadhop::golden {

struct Array {
  std::vector<int64_t> dims;
  std::vector<double> values;  // row-major; integers are exact
};

// Under the names of the paper's code: "fc_in.0.weight", "convs.0.c_idx", ...
using Arrays = std::map<std::string, Array>;

struct GoldenCase {
  std::string path;
  std::string conv;  // "full", "local", "global" or "none"
  std::string norm;  // "batch_norm", "layer_norm" or "none"
  int64_t nodes = 0, features = 0, width = 0, classes = 0, pe_width = 0, centroids = 0, heads = 0;
  int64_t sampled = 0;  // K
  int64_t batch = 0;    // B
  int64_t steps = 0;
  double learning_rate = 0, beta1 = 0, beta2 = 0, epsilon = 0, ema_decay = 0;

  std::vector<double> x;               // [N, F]
  std::vector<double> hop;             // [N, 2, F]
  std::vector<double> pos_enc;         // [N, G]
  std::vector<int64_t> labels;         // [N], values in [0, C)
  std::vector<int64_t> sampled_nodes;  // [N, K], values in [0, N); the node itself first
  std::vector<std::vector<int64_t>> step_batches;  // steps of [B], values in [0, N)
  Arrays state_before, state_after;                // parameters and buffers

  // What is to be reproduced.
  std::vector<double> eval_before, eval_after;   // [B, C]: logits of nodes 0 .. B-1, evaluation
  std::vector<std::vector<double>> step_logits;  // steps of [B, C]: training, no dropout
  Arrays gradients;                              // of the mean cross entropy of step 0
  std::vector<double> losses;                    // [steps]

  // The nodes 0 .. B-1.
  std::vector<int64_t> EvaluationBatch() const;
  // x_u, (Ax)_u, (A^2 x)_u for the sampled nodes u of each node of the batch: [B, 3K, F].
  std::vector<double> Tokens(const std::vector<int64_t>& nodes_of_batch) const;
};

// Reads and checks a file: kNotFound and the like as SafetensorsFile::Open, kInvalidArgument,
// naming file and field, if something is missing, of other dims than the metadata say, or out of
// range.
absl::StatusOr<GoldenCase> LoadGoldenCase(const std::string& path);

}  // namespace quadhop::golden
