#include "core/status.h"
#include "model/cuda/kernels_cuda.h"

namespace quadhop {

absl::StatusOr<std::unique_ptr<Kernels>> MakeCudaKernels(int local_rank, Precision precision) {
  QH_ASSIGN_OR_RETURN(std::unique_ptr<cuda::Device> device, cuda::Device::Open(local_rank));
  QH_ASSIGN_OR_RETURN(
      std::unique_ptr<cuda::Products> products,
      cuda::MakeProducts(*device, precision == Precision::kF32 ? cuda::FloatOperands::kF32
                                                               : cuda::FloatOperands::kTF32));
  return std::make_unique<cuda::CudaKernels>(std::move(device), std::move(products));
}

}  // namespace quadhop
