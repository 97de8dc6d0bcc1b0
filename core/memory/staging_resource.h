// Host arrays in memory for the fastest copies to and from a device.
#pragma once

#include <cstddef>
#include <memory>
#include <memory_resource>
#include <new>
#include <utility>

#include "core/base/check.h"
#include "core/memory/memory.h"

namespace quadhop {

// Memory that is copied to a device directly, without another copy on the host. An array in it may
// be freed only when its copies are done, or when the Memory that makes them is gone. Used by one
// thread at a time, and so is its own Memory, which is therefore another stream of the one that
// copies.
// Throws std::bad_alloc.
class StagingResource final : public std::pmr::memory_resource {
 public:
  explicit StagingResource(std::unique_ptr<Memory> memory) : memory_(std::move(memory)) {}

 private:
  void* do_allocate(size_t bytes, size_t alignment) override {
    QH_CHECK_LE(alignment, size_t{64});
    void* const data = memory_->AllocateStaging(bytes);
    if (data == nullptr) throw std::bad_alloc();
    return data;
  }
  void do_deallocate(void* data, size_t, size_t) override { memory_->FreeStaging(data); }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  const std::unique_ptr<Memory> memory_;
};

}  // namespace quadhop
