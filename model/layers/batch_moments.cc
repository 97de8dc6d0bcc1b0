#include "model/layers/batch_moments.h"

#include <vector>

#include "core/base/status.h"

namespace quadhop {

BatchMoments::BatchMoments(int64_t width, Memory& memory) {
  for (Array<float>* a : {&mean_, &inv_std_, &running_mean_, &running_var_})
    a->Resize(memory, {width});
  total_.Resize(memory, {width});
  ToArray<float>(memory, std::vector<float>(static_cast<size_t>(width), 1.0f), running_var_.view());
}

absl::Status BatchMoments::Update(const Step& step, const std::string& name,
                                  TensorView<const float> x) {
  AddUp(step, x);
  QH_RETURN_IF_ERROR(step.Sum("batch moments of " + name, summands_, total_.view()));
  Take(step);
  return absl::OkStatus();
}

void BatchMoments::Start(const Step& step, const std::string& name, TensorView<const float> x) {
  AddUp(step, x);
  step.StartSum("batch moments of " + name, summands_, total_.view());
}

absl::Status BatchMoments::Finish(const Step& step) {
  QH_RETURN_IF_ERROR(step.WaitForSums());
  Take(step);
  return absl::OkStatus();
}

void BatchMoments::AddUp(const Step& step, TensorView<const float> x) {
  summands_.Resize(step.memory(), {step.num_owned(), mean_.size()});
  step.kernels.ColumnMoments(step.slices(), x, summands_.view());
}

void BatchMoments::Take(const Step& step) {
  step.kernels.TakeMoments(
      {total_.cview(), mean_.view(), inv_std_.view(), running_mean_.view(), running_var_.view()});
}

void BatchMoments::UseRunning(Kernels& kernels) {
  CopyValues(kernels.memory(), running_mean_.cview(), mean_.view());
  kernels.InverseDeviation(running_var_.cview(), inv_std_.view());
}

}  // namespace quadhop
