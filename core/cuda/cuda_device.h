// One GPU as one rank uses it: one stream, stream-ordered memory, and the first error of its work.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <cuda_runtime.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "core/base/with_room.h"
#include "core/memory/memory.h"

namespace quadhop::cuda {

// Blocks and threads of a kernel, and the shared memory of a block.
struct Grid {
  int64_t blocks;
  int threads;
  size_t shared_bytes = 0;
};

// Which of `num_visible` devices the rank with index `local_rank` on its host takes: ranks beyond
// the last device share devices, from the first on.
constexpr int DeviceOfLocalRank(int local_rank, int num_visible) {
  return local_rank % num_visible;
}

// The number of GPUs that this process sees; 0 if there is no driver.
int NumVisibleDevices();
// The free memory of the thread's current device.
absl::StatusOr<int64_t> FreeDeviceBytes();

// A Memory whose stream is one of CUDA's, on which kernels and library calls are launched too. An
// error may be seen later than it happened; memory contents are unspecified then. Calls make the
// device the thread's current one.
class Device final : public Memory {
 public:
  // Whose kernels go first where there is room for one only.
  enum class Priority {
    kAhead,  // of work for later steps
    kStep,
    kSide,  // of small work that a step waits for: of all streams made from another
  };

  // kUnavailable if there is no device.
  static absl::StatusOr<std::unique_ptr<Device>> Open(int local_rank,
                                                      Priority priority = Priority::kStep);
  ~Device() override;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  int ordinal() const { return ordinal_; }
  const std::array<char, 16>& uuid() const { return uuid_; }  // no other GPU has it
  const std::string& name() const { return name_; }
  cudaStream_t stream() const { return stream_; }
  // Another stream, owned by the caller, for part of the work of this device.
  absl::StatusOr<cudaStream_t> CreateStream() const;
  size_t shared_bytes_per_block() const { return shared_bytes_per_block_; }
  int compute_capability() const { return compute_capability_; }  // 90 is 9.0
  // Keeps `status` if it is the first error.
  void Note(const absl::Status& status);

  bool is_host() const override { return false; }
  absl::Status status() const override { return status_; }
  bool Holds(const void* data) const override;
  void* Allocate(size_t bytes) override;
  void Free(void* data) override;
  void* AllocateStaging(size_t bytes) override;
  void FreeStaging(void* data) override;
  void Upload(const void* host, size_t bytes, void* to) override;
  void UploadAsync(const void* host, size_t bytes, void* to) override;
  void Download(const void* from, size_t bytes, void* host) override;
  void CopyRows(const void* from, size_t from_stride, void* to, size_t to_stride, int64_t rows,
                size_t row_bytes) override;
  void ZeroRows(void* data, int64_t rows, size_t row_bytes, size_t stride) override;
  absl::Status Synchronize() override;
  absl::StatusOr<std::unique_ptr<Memory>> NewStream() override { return NewDeviceStream(); }
  absl::StatusOr<std::unique_ptr<Device>> NewDeviceStream() const;
  std::unique_ptr<Event> RecordEvent() override;
  void WaitFor(const Event* event) override;
  // As a CUDA graph.
  absl::StatusOr<std::unique_ptr<Recording>> Record(
      absl::FunctionRef<absl::Status()> work) override;

  // Queues kernel(args...); a grid without blocks queues nothing.
  template <typename... Parameters, typename... Arguments>
  void Launch(void (*kernel)(Parameters...), const Grid& grid, Arguments&&... arguments) {
    if (!Prepare(reinterpret_cast<const void*>(kernel), grid)) return;
    cudaLaunchConfig_t config{};
    config.gridDim = dim3(static_cast<unsigned>(grid.blocks));
    config.blockDim = dim3(static_cast<unsigned>(grid.threads));
    config.dynamicSmemBytes = grid.shared_bytes;
    config.stream = stream_;
    NoteLaunch(cudaLaunchKernelEx(&config, kernel, std::forward<Arguments>(arguments)...));
  }

 private:
  class Graph;
  Device(int ordinal, Priority priority) : ordinal_(ordinal), priority_(priority) {}
  absl::Status Initialise();
  // Makes the device the thread's current one; false after an error.
  bool Enter();
  bool Prepare(const void* kernel, const Grid& grid);
  void NoteLaunch(cudaError_t code);

  const int ordinal_;
  const Priority priority_;
  std::string name_;
  std::array<char, 16> uuid_{};
  cudaStream_t stream_ = nullptr;
  size_t shared_bytes_per_block_ = 0;
  int compute_capability_ = 0;
  absl::Status status_;
};

// Memory for `size` values of T on a device, uninitialised. Moves, does not copy.
template <typename T>
class Buffer {
 public:
  Buffer() = default;
  Buffer(Device& device, int64_t size) { Take(device, size); }
  ~Buffer() {
    if (data_ != nullptr) device_->Free(data_);
  }
  Buffer(Buffer&& other) noexcept { *this = std::move(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }

  // Makes room for at least `size` values: memory that suffices stays as it is, else it is replaced
  // by larger memory, with room to grow.
  void Reserve(Device& device, int64_t size) {
    if (size <= size_) return;
    if (data_ != nullptr) device_->FreeOutgrown(std::exchange(data_, nullptr));
    Take(device, WithRoom(size));
  }
  T* data() const { return data_; }

 private:
  void Take(Device& device, int64_t size) {
    device_ = &device;
    data_ = static_cast<T*>(device.Allocate(static_cast<size_t>(size) * sizeof(T)));
    size_ = size;
  }

  Device* device_ = nullptr;
  T* data_ = nullptr;
  int64_t size_ = 0;
};

}  // namespace quadhop::cuda
