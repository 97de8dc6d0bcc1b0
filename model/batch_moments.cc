#include "model/batch_moments.h"

#include <cmath>

#include "core/status.h"

namespace quadhop {
namespace {
constexpr double kMomentum = 0.1;
}

BatchMoments::BatchMoments(int64_t width) {
  for (Tensor<float>* t : {&mean_, &inv_std_, &running_mean_, &running_var_}) t->Resize({width});
  total_.Resize({width});
  running_var_.Fill(1.0f);
}

absl::Status BatchMoments::Update(const Step& step, const std::string& name,
                                  TensorView<const float> x) {
  const int64_t width = mean_.size();
  summands_.Resize({step.num_owned(), width});
  step.kernels.ColumnMoments(step.slices(), x, summands_.view());
  QH_RETURN_IF_ERROR(
      OrderedSum<Moments>(step.comm, step.owners, "batch moments of " + name,
                          absl::MakeSpan(summands_.data(), static_cast<size_t>(summands_.size())),
                          absl::MakeSpan(total_.data(), static_cast<size_t>(width))));
  for (int64_t c = 0; c < width; ++c) {
    const double n = total_[c].count, variance = total_[c].m2 / n;
    mean_[c] = static_cast<float>(total_[c].mean);
    inv_std_[c] = static_cast<float>(1.0 / std::sqrt(variance + kNormEpsilon));
    const double unbiased = n > 1 ? total_[c].m2 / (n - 1) : 0;
    running_mean_[c] =
        static_cast<float>((1 - kMomentum) * double{running_mean_[c]} + kMomentum * total_[c].mean);
    running_var_[c] =
        static_cast<float>((1 - kMomentum) * double{running_var_[c]} + kMomentum * unbiased);
  }
  ++num_batches_;
  return absl::OkStatus();
}

void BatchMoments::UseRunning() {
  for (int64_t c = 0; c < mean_.size(); ++c) {
    mean_[c] = running_mean_[c];
    inv_std_[c] = static_cast<float>(1.0 / std::sqrt(double{running_var_[c]} + kNormEpsilon));
  }
}

}  // namespace quadhop
