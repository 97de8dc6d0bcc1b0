// Attention of each node to its sampled 2-hop neighbourhood: maps the [B, K] sampled nodes to one
// row of [B, h*H] per node.
#pragma once

#include <absl/types/span.h>

#include <memory>

#include "model/kernels/local_weights.h"
#include "model/layers/step.h"

namespace quadhop {

// Used by one thread. Backward comes after the Forward of the same step, and uses its arrays.
class LocalModule {
 public:
  // `memory` and the kernels of its steps must outlive the module.
  LocalModule(const LargeGTOptions& options, int64_t num_owned_partitions, Memory& memory);

  void Forward(const Step& step, TensorView<float> y /* [B, h*H] */);
  // Writes summands() from the gradient of y.
  void Backward(const Step& step, TensorView<const float> d_y /* [B, h*H] */);

  // Gradients of the merged weights: those of each partition [Pl, n], and where their sum over all
  // partitions goes [n].
  absl::Span<float> summands() { return summands_.span(); }
  absl::Span<float> summed() { return summed_.span(); }
  // Computes the gradients of the paper's parameters from summed().
  void ApplyChainRule(Kernels& kernels, ParameterSet& parameters);

 private:
  // Computes the merged weights from this step's parameters.
  void Merge(Kernels& kernels, ParameterSet& parameters);

  LargeGTOptions options_;
  Array<float> merged_;                            // [n]
  Array<float> summands_;                          // [Pl, n]
  Array<float> summed_;                            // [n]
  LocalWeights weights_;                           // views into merged_
  LocalWeights gradients_;                         // views into summed_
  std::unique_ptr<LocalActivations> activations_;  // from the first forward pass on
};

}  // namespace quadhop
