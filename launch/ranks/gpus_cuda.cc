#include "core/base/status.h"
#include "core/cuda/cuda_device.h"
#include "launch/ranks/gpus.h"

namespace quadhop {

bool IsBuiltWithCuda() { return true; }

bool RankHasGpu(int local_rank) { return cuda::Device::Open(local_rank).ok(); }

std::string GpuName(int local_rank) {
  const auto device = cuda::Device::Open(local_rank);
  return device.ok() ? (*device)->name() : "";
}

absl::StatusOr<GpuId> IdOfGpu(int local_rank) {
  QH_ASSIGN_OR_RETURN(const auto device, cuda::Device::Open(local_rank));
  return device->uuid();
}

absl::StatusOr<int64_t> FreeGpuBytes(int local_rank) {
  QH_RETURN_IF_ERROR(cuda::Device::Open(local_rank).status());
  return cuda::FreeDeviceBytes();
}

}  // namespace quadhop
