// The CUDA backend: products by cuBLASLt, our own kernels for the rest.
//
// All arrays are on the device; no call waits for it. Products are made slice by slice, so that the
// results of one partition do not depend on which others are in the batch; sums over rows go over
// blocks of fixed size in a fixed order, and nothing is summed by atomics.
#pragma once

#include <memory>
#include <vector>

#include "comm/cuda/row_adder_cuda.h"
#include "core/cuda/cuda_device.h"
#include "model/cuda/dropout.cuh"
#include "model/cuda/products_cuda.h"
#include "model/kernels/kernels.h"

namespace quadhop::cuda {

class CudaKernels final : public Kernels {
 public:
  static absl::StatusOr<std::unique_ptr<Kernels>> Create(std::unique_ptr<Device> device,
                                                         FloatOperands operands);

  Memory& memory() override { return *device_; }
  RowAdder& row_adder() override { return *row_adder_; }
  absl::StatusOr<std::unique_ptr<Kernels>> OnNewStream() const override;
  std::unique_ptr<LocalActivations> MakeLocalActivations() override;

 private:
  CudaKernels(std::unique_ptr<Device> device, FloatOperands operands,
              std::unique_ptr<Products> products)
      : device_(std::move(device)),
        operands_(operands),
        products_(std::move(products)),
        row_adder_(MakeRowAdder(*device_)) {}

  void DoLinear(const LinearArgs& args) override;
  void DoLinearBackward(const LinearBackwardArgs& args) override;
  void DoColumnMoments(const Slices& slices, TensorView<const float> x,
                       TensorView<Moments> moments) override;
  void DoTakeMoments(const TakeMomentsArgs& args) override;
  void DoInverseDeviation(TensorView<const float> variance, TensorView<float> inv_std) override;
  void DoStandardise(TensorView<const float> x, TensorView<const float> mean,
                     TensorView<const float> inv_std, TensorView<float> y) override;
  void DoGatherRows(TensorView<const float> x, TensorView<const LocalRow> rows,
                    TensorView<float> y) override;
  void DoActivation(const ActivationArgs& args) override;
  void DoActivationBackwardSums(const ActivationBackwardSumsArgs& args) override;
  void DoActivationBackward(const ActivationBackwardArgs& args) override;
  void DoLocalForward(const LocalForwardArgs& args) override;
  void DoLocalBackward(const LocalBackwardArgs& args) override;
  void DoCodebookAttention(const CodebookAttentionArgs& args) override;
  void DoCodebookAttentionBackward(const CodebookAttentionBackwardArgs& args) override;
  void DoCodebookOuterSum(const CodebookOuterSumArgs& args) override;
  void DoCodebookAssign(const CodebookAssignArgs& args) override;
  void DoCodebookRecode(const CodebookRecodeArgs& args) override;
  void DoCodebookCount(TensorView<const int64_t> moves, TensorView<int64_t> counts,
                       TensorView<float> log_count) override;
  void DoCodebookMove(const CodebookMoveArgs& args) override;
  void DoCodebookOutput(TensorView<const float> embedding, TensorView<const float> mean,
                        TensorView<const float> variance, TensorView<float> output) override;
  void DoLoss(const LossArgs& args) override;
  void DoAdam(const AdamArgs& args) override;
  void DoCheckFinite(TensorView<const float> x, TensorView<double> all_finite) override;
  void DoMultiply(absl::Span<const ProductArgs> products) override;

  const std::unique_ptr<Device> device_;  // first, because all else is in its memory
  const FloatOperands operands_;
  const std::unique_ptr<Products> products_;
  const std::unique_ptr<RowAdder> row_adder_;
};

}  // namespace quadhop::cuda
