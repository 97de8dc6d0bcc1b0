#include "core/aligned_memory.h"

#include <sys/mman.h>

#include "core/prefetch.h"

namespace quadhop::internal {
namespace {

constexpr size_t kHugePageBytes = size_t{2} << 20;
constexpr size_t kLargeBytes = 16 * kHugePageBytes;  // so that whole pages add 6 % at most

size_t RoundUp(size_t num_bytes, size_t multiple) {
  return (num_bytes + multiple - 1) / multiple * multiple;
}

}  // namespace

void* AllocateAligned(size_t num_bytes) {
  const bool large = num_bytes >= kLargeBytes;
  const size_t alignment = large ? kHugePageBytes : size_t{kCacheLineBytes};
  const size_t rounded = RoundUp(num_bytes, alignment);
  void* const memory = std::aligned_alloc(alignment, rounded);
  if (memory == nullptr) throw std::bad_alloc();
  // Refused, all is slower, and the same.
  if (large) static_cast<void>(madvise(memory, rounded, MADV_HUGEPAGE));
  return memory;
}

}  // namespace quadhop::internal
