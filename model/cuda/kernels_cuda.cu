#include "core/base/status.h"
#include "model/cuda/kernels_cuda.h"

namespace quadhop {
namespace cuda {

absl::StatusOr<std::unique_ptr<Kernels>> CudaKernels::Create(std::unique_ptr<Device> device,
                                                             FloatOperands operands) {
  QH_ASSIGN_OR_RETURN(std::unique_ptr<Products> products, MakeProducts(*device, operands));
  return std::unique_ptr<Kernels>(
      new CudaKernels(std::move(device), operands, std::move(products)));
}

absl::StatusOr<std::unique_ptr<Kernels>> CudaKernels::OnNewStream() const {
  QH_ASSIGN_OR_RETURN(std::unique_ptr<Device> device, device_->NewDeviceStream());
  return Create(std::move(device), operands_);
}

}  // namespace cuda

absl::StatusOr<std::unique_ptr<Kernels>> MakeCudaKernels(int local_rank, Precision precision) {
  QH_ASSIGN_OR_RETURN(std::unique_ptr<cuda::Device> device, cuda::Device::Open(local_rank));
  return cuda::CudaKernels::Create(std::move(device), precision == Precision::kF32
                                                          ? cuda::FloatOperands::kF32
                                                          : cuda::FloatOperands::kTF32);
}

}  // namespace quadhop
