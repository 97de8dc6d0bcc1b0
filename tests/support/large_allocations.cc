#include "tests/support/large_allocations.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<int64_t> num_large{0};

void* Take(size_t bytes, size_t alignment) {
  if (bytes >= quadhop::kLargeBytes) num_large.fetch_add(1, std::memory_order_relaxed);
  void* memory = nullptr;
  return posix_memalign(&memory, alignment, bytes) == 0 ? memory : nullptr;
}

void* TakeOrThrow(size_t bytes, size_t alignment) {
  if (void* memory = Take(bytes, alignment)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(size_t bytes) { return TakeOrThrow(bytes, alignof(std::max_align_t)); }
void* operator new(size_t bytes, std::align_val_t alignment) {
  return TakeOrThrow(bytes, static_cast<size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }
extern "C" void* aligned_alloc(size_t alignment, size_t bytes) noexcept {
  return Take(bytes, alignment);
}

namespace quadhop {

int64_t NumLargeAllocations() { return num_large.load(); }

}  // namespace quadhop
