// y = dropout(relu(norm(x))) on node-level rows. Batch norm uses the moments of the global batch.
#pragma once

#include <absl/status/status.h>

#include <string>

#include "model/layers/batch_moments.h"
#include "model/layers/step.h"

namespace quadhop {

class ActivationLayer {
 public:
  // `norm_name` is the paper's name for the norm, e.g. "fc_in.1"; width H. `memory` and the kernels
  // of its steps must outlive the layer.
  ActivationLayer(std::string norm_name, NormKind norm, int64_t width, double dropout,
                  RandomPurpose purpose, Memory& memory);

  // Collective in training with batch norm. Keeps what Backward needs.
  absl::Status Forward(const Step& step, TensorView<const float> x /* [B, H] */,
                       TensorView<float> y /* [B, H] */);
  // Turns d, the gradient of y, into the gradient of x, in place. Collective with batch norm.
  absl::Status Backward(const Step& step, TensorView<float> d /* [B, H] */);

  // Forward and Backward, each in two parts between which this rank does other work while ranks
  // exchange what batch norm needs. Both parts take the same arguments; the gradients of scale and
  // shift are there after the first.
  void StartForward(const Step& step, TensorView<const float> x);
  absl::Status FinishForward(const Step& step, TensorView<const float> x, TensorView<float> y);
  void StartBackward(const Step& step, TensorView<float> d);
  absl::Status FinishBackward(const Step& step, TensorView<float> d);

  // Running moments; nullptr unless batch norm.
  BatchMoments* moments() { return norm_ == NormKind::kBatch ? &moments_ : nullptr; }
  const std::string& norm_name() const { return norm_name_; }

 private:
  bool ExchangesMoments(const Step& step) const {
    return norm_ == NormKind::kBatch && step.training;
  }
  void Activate(const Step& step, TensorView<const float> x, TensorView<float> y);
  void AddUpBackward(const Step& step, TensorView<float> d);
  void ApplyBackward(const Step& step, TensorView<float> d);

  std::string norm_name_;
  NormKind norm_;
  double dropout_;
  RandomPurpose purpose_;
  BatchMoments moments_;
  Array<float> x_hat_;        // [B, H]
  Array<float> gate_;         // [B, H]
  Array<float> row_inv_std_;  // [B]
  Array<double> sums_;        // [Pl, 2, H]
  Array<double> total_;       // [2, H]
};

}  // namespace quadhop
