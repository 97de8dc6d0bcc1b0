// Memory for arrays.
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

// Memory for `size` values of T, uninitialised, aligned to cache lines. Large arrays are on huge
// pages if the system has them: when rows are read in random order, each read also waits for the
// address of its page. Throws std::bad_alloc.
template <typename T>
AlignedMemory<T> AllocateAligned(size_t size) {
  return AlignedMemory<T>(static_cast<T*>(internal::AllocateAligned(size * sizeof(T))));
}
// The same as a memory resource. Thread-safe.
std::pmr::memory_resource* AlignedResource();

}  // namespace quadhop
