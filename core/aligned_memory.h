// Memory that arrays stand in.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <memory_resource>
#include <new>

namespace quadhop {

struct FreeAligned {
  void operator()(void* memory) const { std::free(memory); }
};
template <typename T>
using AlignedMemory = std::unique_ptr<T[], FreeAligned>;

namespace internal {
void* AllocateAligned(size_t num_bytes);
}  // namespace internal

// Room for `size` values of T, not set, aligned to cache lines. Large ones stand on huge pages
// where the system has them: where rows are read in any order, each read waits for the address of
// its page, too. Throws std::bad_alloc.
template <typename T>
AlignedMemory<T> AllocateAligned(size_t size) {
  return AlignedMemory<T>(static_cast<T*>(internal::AllocateAligned(size * sizeof(T))));
}
// The same for those that take their memory of a resource. Thread-safe.
std::pmr::memory_resource* AlignedResource();

}  // namespace quadhop
