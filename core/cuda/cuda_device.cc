#include "core/cuda/cuda_device.h"

#include <absl/strings/str_cat.h>

#include <limits>

#include "core/check.h"
#include "core/cuda/cuda_status.h"
#include "core/status.h"

namespace quadhop::cuda {
namespace {

// Kernels get this much without being asked; more must be allowed for each.
constexpr size_t kPlainSharedBytes = size_t{48} << 10;

}  // namespace

int NumVisibleDevices() {
  int num_visible = 0;
  return cudaGetDeviceCount(&num_visible) == cudaSuccess ? num_visible : 0;
}

absl::StatusOr<std::unique_ptr<Device>> Device::Open(int local_rank) {
  int num_visible = 0;
  QH_RETURN_IF_ERROR(QH_CUDA_STATUS(cudaGetDeviceCount(&num_visible)));
  if (num_visible == 0)
    return absl::UnavailableError("no GPU is visible: see nvidia-smi and CUDA_VISIBLE_DEVICES");
  auto device = std::unique_ptr<Device>(new Device(DeviceOfLocalRank(local_rank, num_visible)));
  QH_RETURN_IF_ERROR(device->Initialise());
  return device;
}

absl::Status Device::Initialise() {
  QH_RETURN_IF_ERROR(QH_CUDA_STATUS(cudaSetDevice(ordinal_)));
  cudaDeviceProp properties;
  QH_RETURN_IF_ERROR(QH_CUDA_STATUS(cudaGetDeviceProperties(&properties, ordinal_)));
  if (properties.major < 8)
    return absl::UnavailableError(absl::StrCat(
        "GPU ", ordinal_, " (", properties.name, ") has compute capability ", properties.major, ".",
        properties.minor, "; quadhop needs 8.0 (A100) or later: set model.backend=CPU"));
  name_ = properties.name;
  shared_bytes_per_block_ = properties.sharedMemPerBlockOptin;
  QH_RETURN_IF_ERROR(QH_CUDA_STATUS(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking)));
  // Freed memory stays with the process: steps take the same again.
  cudaMemPool_t pool = nullptr;
  QH_RETURN_IF_ERROR(QH_CUDA_STATUS(cudaDeviceGetDefaultMemPool(&pool, ordinal_)));
  uint64_t keep = std::numeric_limits<uint64_t>::max();
  return QH_CUDA_STATUS(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &keep));
}

Device::~Device() {
  // Nobody is left to tell: an error is that of work whose results nobody waits for.
  if (stream_ == nullptr) return;
  static_cast<void>(cudaStreamSynchronize(stream_));
  static_cast<void>(cudaStreamDestroy(stream_));
}

void Device::Note(const absl::Status& status) {
  if (status_.ok()) status_ = status;
}

void* Device::Allocate(size_t bytes) {
  void* memory = nullptr;
  if (bytes > 0 && status_.ok()) Note(QH_CUDA_STATUS(cudaMallocAsync(&memory, bytes, stream_)));
  return memory;
}

void Device::Free(void* memory) {
  if (memory != nullptr) Note(QH_CUDA_STATUS(cudaFreeAsync(memory, stream_)));
}

void Device::Upload(const void* host, size_t bytes, void* device) {
  if (bytes == 0 || !status_.ok()) return;
  Note(QH_CUDA_STATUS(cudaMemcpyAsync(device, host, bytes, cudaMemcpyHostToDevice, stream_)));
  Synchronize();
}

void Device::Download(const void* device, size_t bytes, void* host) {
  if (bytes == 0 || !status_.ok()) return;
  Note(QH_CUDA_STATUS(cudaMemcpyAsync(host, device, bytes, cudaMemcpyDeviceToHost, stream_)));
  Synchronize();
}

void Device::ZeroRows(void* device, int64_t rows, size_t bytes, size_t stride) {
  if (bytes == 0 || rows == 0 || !status_.ok()) return;
  Note(QH_CUDA_STATUS(
      cudaMemset2DAsync(device, stride, 0, bytes, static_cast<size_t>(rows), stream_)));
}

const absl::Status& Device::Synchronize() {
  if (status_.ok()) Note(QH_CUDA_STATUS(cudaStreamSynchronize(stream_)));
  return status_;
}

bool Device::Prepare(const void* kernel, const Grid& grid) {
  if (grid.blocks == 0 || !status_.ok()) return false;
  QH_CHECK_LE(grid.blocks, int64_t{std::numeric_limits<int32_t>::max()});
  QH_CHECK_LE(grid.shared_bytes, shared_bytes_per_block_);
  if (grid.shared_bytes > kPlainSharedBytes)
    Note(QH_CUDA_STATUS(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                             static_cast<int>(grid.shared_bytes))));
  return status_.ok();
}

void Device::NoteLaunch(cudaError_t code) {
  Note(CudaStatus(code, "cudaLaunchKernelEx", __FILE__, __LINE__));
}

}  // namespace quadhop::cuda
