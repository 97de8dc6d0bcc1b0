#include "core/memory/aligned_memory.h"

#include <sys/mman.h>

#include "core/base/check.h"
#include "core/base/prefetch.h"

namespace quadhop {
namespace {

constexpr size_t kHugePageBytes = size_t{2} << 20;
constexpr size_t kLargeBytes = 16 * kHugePageBytes;  // rounding up then adds 6 % at most

size_t RoundUp(size_t num_bytes, size_t multiple) {
  return (num_bytes + multiple - 1) / multiple * multiple;
}

class Aligned final : public std::pmr::memory_resource {
  void* do_allocate(size_t num_bytes, size_t alignment) override {
    QH_CHECK_LE(alignment, size_t{kCacheLineBytes});
    return internal::AllocateAligned(num_bytes);
  }
  void do_deallocate(void* memory, size_t, size_t) override { std::free(memory); }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

}  // namespace

void* internal::AllocateAligned(size_t num_bytes) {
  const bool large = num_bytes >= kLargeBytes;
  const size_t alignment = large ? kHugePageBytes : size_t{kCacheLineBytes};
  const size_t rounded = RoundUp(num_bytes, alignment);
  void* const memory = std::aligned_alloc(alignment, rounded);
  if (memory == nullptr) throw std::bad_alloc();
  // If refused, everything is slower but the same.
  if (large) static_cast<void>(madvise(memory, rounded, MADV_HUGEPAGE));
  return memory;
}

std::pmr::memory_resource* AlignedResource() {
  static auto* const kResource = new Aligned;
  return kResource;
}

}  // namespace quadhop
