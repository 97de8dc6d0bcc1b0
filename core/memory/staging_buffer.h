// Host memory for the fastest copies to and from a device, kept from one use to the next.
#pragma once

#include <cstddef>

#include "core/base/with_room.h"
#include "core/memory/memory.h"

namespace quadhop {

// The Memory that it was allocated from must outlive it. Used by one thread.
class StagingBuffer {
 public:
  StagingBuffer() = default;
  ~StagingBuffer() { Release(); }
  StagingBuffer(const StagingBuffer&) = delete;
  StagingBuffer& operator=(const StagingBuffer&) = delete;

  // At least `bytes` bytes, uninitialised; nullptr for 0 bytes, and after an error of `memory`.
  void* Reserve(Memory& memory, size_t bytes) {
    if (bytes > bytes_) {
      Release();
      memory_ = &memory;
      data_ = memory.AllocateStaging(WithRoom(bytes));
      bytes_ = data_ == nullptr ? 0 : WithRoom(bytes);
    }
    return bytes == 0 ? nullptr : data_;
  }

 private:
  void Release() {
    if (data_ != nullptr) memory_->FreeStaging(data_);
    data_ = nullptr;
    bytes_ = 0;
  }

  Memory* memory_ = nullptr;
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace quadhop
