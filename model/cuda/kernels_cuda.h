// The CUDA backend: products by cuBLASLt, own kernels for the rest.
//
// What the model passes stands in the host's memory and is copied for each call; only what the
// local module keeps between its passes stays on the device. Products are made slice by slice, so
// that digits of one partition do not depend on which others are in the batch; sums over rows go
// over blocks of fixed size in a fixed order, and nothing is summed by atomics.
#pragma once

#include <memory>
#include <vector>

#include "core/cuda/cuda_device.h"
#include "model/cuda/dropout.cuh"
#include "model/cuda/products_cuda.h"
#include "model/kernels.h"

namespace quadhop::cuda {

class CudaKernels final : public Kernels {
 public:
  CudaKernels(std::unique_ptr<Device> device, std::unique_ptr<Products> products)
      : device_(std::move(device)), products_(std::move(products)) {}

  absl::Status status() const override { return device_->status(); }
  std::unique_ptr<LocalActivations> MakeLocalActivations() override;

 private:
  void DoLinear(const LinearArgs& args) override;
  void DoLinearBackward(const LinearBackwardArgs& args) override;
  void DoColumnMoments(const Slices& slices, TensorView<const float> x,
                       TensorView<Moments> moments) override;
  void DoActivation(const ActivationArgs& args) override;
  void DoActivationBackwardSums(const ActivationBackwardSumsArgs& args) override;
  void DoActivationBackward(const ActivationBackwardArgs& args) override;
  void DoLocalForward(const LocalForwardArgs& args) override;
  void DoLocalBackward(const LocalBackwardArgs& args) override;
  void DoCodebookAttention(const CodebookAttentionArgs& args) override;
  void DoCodebookAttentionBackward(const CodebookAttentionBackwardArgs& args) override;
  void DoCodebookOuterSum(const CodebookOuterSumArgs& args) override;
  void DoCodebookAssign(const CodebookAssignArgs& args) override;
  void DoLoss(const LossArgs& args) override;
  void DoAdam(const AdamArgs& args) override;
  void DoProduct(bool transpose_a, bool transpose_b, float alpha, TensorView<const float> a,
                 TensorView<const float> b, float beta, TensorView<float> c) override;

  std::unique_ptr<Device> device_;  // first, for all else is its memory
  std::unique_ptr<Products> products_;
};

// Node ids of a dropout on the device, and the dropout for kernels, while this lives.
class StagedDropout {
 public:
  StagedDropout(Device& device, const Dropout& dropout);
  const DeviceDropout& get() const { return dropout_; }

 private:
  Buffer<int64_t> nodes_;
  DeviceDropout dropout_;
};

}  // namespace quadhop::cuda
