#include "model/layers/linear_layer.h"

namespace quadhop {

LinearLayer::LinearLayer(const std::string& name, bool bias_cancels)
    : weight_(name + ".weight"), bias_(name + ".bias"), bias_cancels_(bias_cancels) {}

void LinearLayer::Forward(const Step& step, TensorView<const float> x, TensorView<float> y) const {
  step.kernels.Linear(
      {step.slices(), x, step.parameters.value(weight_), step.parameters.value(bias_), y});
}

void LinearLayer::Backward(const Step& step, TensorView<const float> x, TensorView<const float> d_y,
                           TensorView<float> d_x) const {
  const Parameter& bias = step.parameters.Find(bias_);
  const PartitionGradients d_bias = bias_cancels_ ? PartitionGradients{} : step.gradients.Of(bias);
  step.kernels.LinearBackward({step.slices(), x, step.parameters.value(weight_), d_y, d_x,
                               step.gradients.Of(step.parameters.Find(weight_)), d_bias});
  if (bias_cancels_) step.gradients.Zero(step.memory(), bias);
}

}  // namespace quadhop
