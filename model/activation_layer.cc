#include "model/activation_layer.h"

#include <utility>

#include "core/status.h"

namespace quadhop {

ActivationLayer::ActivationLayer(std::string norm_name, NormKind norm, int64_t width,
                                 double dropout, RandomPurpose purpose)
    : norm_name_(std::move(norm_name)),
      norm_(norm),
      dropout_(dropout),
      purpose_(purpose),
      moments_(width) {
  total_.Resize({2, width});
}

absl::Status ActivationLayer::Forward(const Step& step, TensorView<const float> x,
                                      TensorView<float> y) {
  const int64_t rows = x.dim(0), width = x.dim(1);
  x_hat_.Resize({rows, width});
  gate_.Resize({rows, width});
  row_inv_std_.Resize({rows});
  if (norm_ == NormKind::kBatch) {
    if (step.training) {
      QH_RETURN_IF_ERROR(moments_.Update(step, norm_name_, x));
    } else {
      moments_.UseRunning();
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
  sums_.Resize({step.num_owned(), 2, width});
  step.kernels.ActivationBackwardSums(
      {step.slices(), gate_.cview(), x_hat_.cview(), d, sums_.view()});
  if (norm_ == NormKind::kNone) return absl::OkStatus();
  const PartitionGradients d_shift = step.gradients.Of(step.parameters.Find(norm_name_ + ".bias"));
  const PartitionGradients d_scale =
      step.gradients.Of(step.parameters.Find(norm_name_ + ".weight"));
  for (int64_t p = 0; p < step.num_owned(); ++p) {
    for (int64_t c = 0; c < width; ++c) {
      d_shift.of(p)[c] = static_cast<float>(sums_.row(p)[c]);
      d_scale.of(p)[c] = static_cast<float>(sums_.row(p)[width + c]);
    }
  }
  if (norm_ == NormKind::kBatch) {
    QH_RETURN_IF_ERROR(
        OrderedSum<double>(step.comm, step.owners, "gradient moments of " + norm_name_,
                           absl::MakeSpan(sums_.data(), static_cast<size_t>(sums_.size())),
                           absl::MakeSpan(total_.data(), static_cast<size_t>(total_.size()))));
  }
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
