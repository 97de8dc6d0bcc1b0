#include <utility>

#include "core/status.h"
#include "model/cuda/kernels_cuda.h"

namespace quadhop::cuda {

StagedDropout::StagedDropout(Device& device, const Dropout& dropout) {
  static_assert(sizeof(GlobalId) == sizeof(int64_t));
  if (dropout.probability == 0) return;
  const auto num_nodes = static_cast<int64_t>(dropout.nodes.size());
  nodes_.Reserve(device, num_nodes);
  device.Upload(dropout.nodes.data(), dropout.nodes.size() * sizeof(int64_t), nodes_.data());
  dropout_.threshold = DropoutThreshold(dropout.probability);
  dropout_.scale = DropoutScale(dropout.probability);
  dropout_.seed = dropout.seed;
  dropout_.purpose = dropout.purpose;
  dropout_.step = static_cast<uint64_t>(dropout.step);
  dropout_.nodes = nodes_.data();
}

}  // namespace quadhop::cuda

namespace quadhop {

absl::StatusOr<std::unique_ptr<Kernels>> MakeCudaKernels(int local_rank) {
  QH_ASSIGN_OR_RETURN(std::unique_ptr<cuda::Device> device, cuda::Device::Open(local_rank));
  QH_ASSIGN_OR_RETURN(std::unique_ptr<cuda::Products> products, cuda::MakeProducts(*device));
  return std::make_unique<cuda::CudaKernels>(std::move(device), std::move(products));
}

}  // namespace quadhop
