// The moments of each column over the global batch, and their running averages: the state of a
// batch norm.
#pragma once

#include <absl/status/status.h>

#include <string>

#include "model/layers/step.h"

namespace quadhop {

class BatchMoments {
 public:
  // Running mean 0, variance 1. `memory` and the kernels of its steps must outlive this.
  BatchMoments(int64_t width, Memory& memory);

  // Moments of x [B, H] over all rows of all ranks, and one step of the running averages (momentum
  // 0.1, variance with n/(n-1)), not counted in num_batches(). Collective.
  absl::Status Update(const Step& step, const std::string& name, TensorView<const float> x);
  // The same in two parts, between which this rank does other work: Start, then Finish, which waits
  // for all that was started in the background.
  void Start(const Step& step, const std::string& name, TensorView<const float> x);
  absl::Status Finish(const Step& step);
  // Uses the running moments in place of a batch's.
  void UseRunning(Kernels& kernels);

  // What rows are normalised with: set by the last Update or UseRunning.
  TensorView<const float> mean() const { return mean_.cview(); }        // [H]
  TensorView<const float> inv_std() const { return inv_std_.cview(); }  // [H]

  TensorView<float> running_mean() { return running_mean_.view(); }  // [H]
  TensorView<float> running_var() { return running_var_.view(); }    // [H]
  int64_t& num_batches() { return num_batches_; }                    // in the running averages

 private:
  void AddUp(const Step& step, TensorView<const float> x);
  void Take(const Step& step);

  Array<Moments> summands_;  // [Pl, H]
  Array<Moments> total_;     // [H]
  Array<float> mean_, inv_std_, running_mean_, running_var_;
  int64_t num_batches_ = 0;
};

}  // namespace quadhop
