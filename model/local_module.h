// Attention of a node to its sampled 2-hop neighbourhood: [B, K] sampled nodes to one row [B, h*H]
// each.
#pragma once

#include <absl/types/span.h>

#include <memory>

#include "model/local_weights.h"
#include "model/step.h"

namespace quadhop {

// Used by one thread: a Backward comes after the Forward of its step, whose arrays it takes up.
class LocalModule {
 public:
  // `memory` must outlive it, as the kernels of its steps must.
  LocalModule(const LargeGTOptions& options, int64_t num_owned_partitions, Memory& memory);

  void Forward(const Step& step, TensorView<float> y /* [B, h*H] */);
  // Writes summands() from the gradient of y.
  void Backward(const Step& step, TensorView<const float> d_y /* [B, h*H] */);

  // Gradients of the merged weights: of each partition [Pl, n], and where their sum over all
  // partitions goes [n].
  absl::Span<float> summands() { return summands_.span(); }
  absl::Span<float> summed() { return summed_.span(); }
  // From summed(), the gradients of the paper's parameters.
  void ApplyChainRule(Kernels& kernels, ParameterSet& parameters);

 private:
  // The merged weights of this step's parameters.
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
