// y = x W^T + b, on node-level rows.
#pragma once

#include <string>

#include "model/layers/step.h"

namespace quadhop {

class LinearLayer {
 public:
  // `name` is the paper's, without ".weight". bias_cancels: a batch norm follows, which cancels any
  // bias, so that the bias's gradient is exactly zero.
  explicit LinearLayer(const std::string& name, bool bias_cancels = false);

  void Forward(const Step& step, TensorView<const float> x /* [B, I] */,
               TensorView<float> y /* [B, O] */) const;
  // Writes the gradients of weight and bias for each partition; d_x [B, I] may be empty.
  void Backward(const Step& step, TensorView<const float> x, TensorView<const float> d_y,
                TensorView<float> d_x) const;

 private:
  std::string weight_, bias_;
  bool bias_cancels_;
};

}  // namespace quadhop
