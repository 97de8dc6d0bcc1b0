// Large arrays of the host that kernels read: topology, feature rows.
#pragma once

#include <absl/status/statusor.h>

#include <cstddef>

#include "core/cuda/cuda_device.h"

namespace quadhop::cuda {

// Bytes that a device reads. Moves, does not copy; must not outlive the device.
class Readable {
 public:
  Readable() = default;
  // A copy in the device's memory. kResourceExhausted if it does not fit.
  static absl::StatusOr<Readable> OnDevice(Device& device, const void* host, size_t bytes);
  // Memory of the device that Fill writes to.
  static absl::StatusOr<Readable> OfSize(Device& device, size_t bytes);
  // Left in host memory and read over the bus: `host` itself, page-locked, which must then outlive
  // the result; or, if the driver cannot lock it (files on some file systems), a locked copy.
  static absl::StatusOr<Readable> OnHost(const void* host, size_t bytes);

  ~Readable() { Release(); }
  Readable(Readable&& other) noexcept { *this = std::move(other); }
  Readable& operator=(Readable&& other) noexcept;

  // Copies to [offset, offset + bytes) of the memory from OfSize. Errors go to the device's status.
  void Fill(size_t offset, const void* host, size_t bytes);

  const void* data() const { return data_; }  // as kernels take it; nullptr for no bytes

 private:
  void Release();

  const void* data_ = nullptr;
  Device* device_ = nullptr;    // the owner of device memory
  void* registered_ = nullptr;  // the host memory that was locked
  void* copy_ = nullptr;        // or the locked copy
};

}  // namespace quadhop::cuda
