#include "model/activation_layer.h"

#include <utility>

#include "core/status.h"

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
  const int64_t rows = x.dim(0), width = x.dim(1);
  x_hat_.Resize(step.memory(), {rows, width});
  gate_.Resize(step.memory(), {rows, width});
  row_inv_std_.Resize(step.memory(), {rows});
  if (norm_ == NormKind::kBatch) {
    if (step.training) {
      QH_RETURN_IF_ERROR(moments_.Update(step, norm_name_, x));
    } else {
      moments_.UseRunning(step.kernels);
    }
  }
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
  return absl::OkStatus();
}

absl::Status ActivationLayer::Backward(const Step& step, TensorView<float> d) {
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
  if (norm_ == NormKind::kNone) return absl::OkStatus();
  if (norm_ == NormKind::kBatch)
    QH_RETURN_IF_ERROR(step.Sum("gradient moments of " + norm_name_, sums_, total_.view()));
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
  return absl::OkStatus();
}

}  // namespace quadhop
