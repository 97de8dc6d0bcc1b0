#include "model/layers/activation_layer.h"

#include <utility>

#include "core/base/status.h"

namespace quadhop {

ActivationLayer::ActivationLayer(std::string norm_name, NormKind norm, int64_t width,
                                 double dropout, RandomPurpose purpose, Memory& memory)
    : norm_name_(std::move(norm_name)),
      norm_(norm),
      dropout_(dropout),
      purpose_(purpose),
      moments_(width, memory) {
  total_.Resize(memory, {2, width});
}

absl::Status ActivationLayer::Forward(const Step& step, TensorView<const float> x,
                                      TensorView<float> y) {
  if (ExchangesMoments(step)) QH_RETURN_IF_ERROR(moments_.Update(step, norm_name_, x));
  Activate(step, x, y);
  return absl::OkStatus();
}

void ActivationLayer::StartForward(const Step& step, TensorView<const float> x) {
  if (ExchangesMoments(step)) moments_.Start(step, norm_name_, x);
}

absl::Status ActivationLayer::FinishForward(const Step& step, TensorView<const float> x,
                                            TensorView<float> y) {
  if (ExchangesMoments(step)) QH_RETURN_IF_ERROR(moments_.Finish(step));
  Activate(step, x, y);
  return absl::OkStatus();
}

void ActivationLayer::Activate(const Step& step, TensorView<const float> x, TensorView<float> y) {
  const int64_t rows = x.dim(0), width = x.dim(1);
  x_hat_.Resize(step.memory(), {rows, width});
  gate_.Resize(step.memory(), {rows, width});
  row_inv_std_.Resize(step.memory(), {rows});
  if (norm_ == NormKind::kBatch && !step.training) moments_.UseRunning(step.kernels);
  ActivationArgs args;
  args.norm = norm_;
  args.x = x;
  if (norm_ != NormKind::kNone) {
    args.scale = step.parameters.value(norm_name_ + ".weight");
    args.shift = step.parameters.value(norm_name_ + ".bias");
  }
  args.mean = moments_.mean();
  args.inv_std = moments_.inv_std();
  args.dropout = step.MakeDropout(dropout_, purpose_);
  args.x_hat = x_hat_.view();
  args.row_inv_std = row_inv_std_.view();
  args.gate = gate_.view();
  args.y = y;
  step.kernels.Activation(args);
}

absl::Status ActivationLayer::Backward(const Step& step, TensorView<float> d) {
  AddUpBackward(step, d);
  if (norm_ == NormKind::kBatch)
    QH_RETURN_IF_ERROR(step.Sum("gradient moments of " + norm_name_, sums_, total_.view()));
  ApplyBackward(step, d);
  return absl::OkStatus();
}

void ActivationLayer::StartBackward(const Step& step, TensorView<float> d) {
  AddUpBackward(step, d);
  if (norm_ == NormKind::kBatch)
    step.StartSum("gradient moments of " + norm_name_, sums_, total_.view());
}

absl::Status ActivationLayer::FinishBackward(const Step& step, TensorView<float> d) {
  if (norm_ == NormKind::kBatch) QH_RETURN_IF_ERROR(step.WaitForSums());
  ApplyBackward(step, d);
  return absl::OkStatus();
}

void ActivationLayer::AddUpBackward(const Step& step, TensorView<float> d) {
  const int64_t width = d.dim(1);
  sums_.Resize(step.memory(), {step.num_owned(), 2, width});
  ActivationBackwardSumsArgs sums;
  sums.slices = step.slices();
  sums.gate = gate_.cview();
  sums.x_hat = x_hat_.cview();
  sums.d = d;
  sums.sums = sums_.view();
  if (norm_ != NormKind::kNone) {
    sums.d_shift = step.gradients.Of(step.parameters.Find(norm_name_ + ".bias"));
    sums.d_scale = step.gradients.Of(step.parameters.Find(norm_name_ + ".weight"));
  }
  step.kernels.ActivationBackwardSums(sums);
}

void ActivationLayer::ApplyBackward(const Step& step, TensorView<float> d) {
  if (norm_ == NormKind::kNone) return;
  ActivationBackwardArgs args;
  args.norm = norm_;
  args.x_hat = x_hat_.cview();
  args.scale = step.parameters.value(norm_name_ + ".weight");
  args.inv_std = moments_.inv_std();
  args.row_inv_std = row_inv_std_.cview();
  args.sums = total_.cview();
  args.global_nodes = step.batch.global_nodes;
  args.d = d;
  step.kernels.ActivationBackward(args);
}

}  // namespace quadhop
