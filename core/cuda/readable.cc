#include "core/cuda/readable.h"

#include <absl/strings/str_cat.h>

#include <cstring>
#include <utility>

#include "core/base/status.h"
#include "core/cuda/cuda_status.h"
#include "core/memory/host_memory.h"

namespace quadhop::cuda {

absl::StatusOr<Readable> Readable::OnDevice(Device& device, const void* host, size_t bytes) {
  QH_ASSIGN_OR_RETURN(Readable readable, OfSize(device, bytes));
  readable.Fill(0, host, bytes);
  QH_RETURN_IF_ERROR(device.status());
  return readable;
}

absl::StatusOr<Readable> Readable::OfSize(Device& device, size_t bytes) {
  Readable readable;
  readable.device_ = &device;
  readable.data_ = device.Allocate(bytes);
  QH_RETURN_IF_ERROR(device.status());
  return readable;
}

void Readable::Fill(size_t offset, const void* host, size_t bytes) {
  device_->Upload(host, bytes, static_cast<uint8_t*>(const_cast<void*>(data_)) + offset);
}

absl::StatusOr<Readable> Readable::OnHost(const void* host, size_t bytes) {
  Readable readable;
  if (bytes == 0) return readable;
  void* memory = const_cast<void*>(host);
  if (cudaHostRegister(memory, bytes, cudaHostRegisterMapped | cudaHostRegisterReadOnly) ==
      cudaSuccess) {
    readable.registered_ = memory;
  } else {
    static_cast<void>(cudaGetLastError());
    QH_RETURN_IF_ERROR(CheckMemory(
        "a locked copy, for a GPU to read, of a file that the driver cannot lock in place",
        static_cast<int64_t>(bytes)));
    QH_RETURN_IF_ERROR(QH_CUDA_STATUS(cudaMallocHost(&memory, bytes)));
    readable.copy_ = memory;
    std::memcpy(memory, host, bytes);
  }
  void* seen = nullptr;
  QH_RETURN_IF_ERROR(QH_CUDA_STATUS(cudaHostGetDevicePointer(&seen, memory, 0)));
  readable.data_ = seen;
  return readable;
}

Readable& Readable::operator=(Readable&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(device_, other.device_);
  std::swap(registered_, other.registered_);
  std::swap(copy_, other.copy_);
  return *this;
}

void Readable::Release() {
  // Nobody is left to tell of an error.
  if (device_ != nullptr) device_->Free(const_cast<void*>(data_));
  if (registered_ != nullptr) static_cast<void>(cudaHostUnregister(registered_));
  if (copy_ != nullptr) static_cast<void>(cudaFreeHost(copy_));
}

}  // namespace quadhop::cuda
