// The optimiser: Adam with decoupled weight decay, and clipping of the gradient's norm.
#pragma once

#include "model/kernels/kernels.h"
#include "model/parameters/parameters.h"

namespace quadhop {

struct AdamOptions {
  double weight_decay = 0;
  double clip_norm = 0;  // 0: no clipping
};

// Its state is the same on every rank, since the summed gradients are. Used by one thread.
class Adam {
 public:
  // For the trained parameters of `parameters`; Adam's moments are kept in its memory.
  Adam(const AdamOptions& options, ParameterSet& parameters);

  // One step of the trained parameters along parameters.trained_gradients().
  void Apply(Kernels& kernels, double learning_rate, ParameterSet& parameters);

  // State, for checkpoints.
  TensorView<float> first_moment() { return first_.view(); }    // [n]
  TensorView<float> second_moment() { return second_.view(); }  // [n]
  int64_t& num_steps() { return num_steps_; }

 private:
  AdamOptions options_;
  Array<float> first_, second_;  // [n]
  int64_t num_steps_ = 0;
};

}  // namespace quadhop
