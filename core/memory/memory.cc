#include "core/memory/memory.h"

#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "core/memory/aligned_memory.h"

namespace quadhop {

void* HostMemory::Allocate(size_t bytes) {
  return bytes == 0 ? nullptr : AllocateAligned<std::byte>(bytes).release();
}

void HostMemory::Free(void* data) { std::free(data); }

void HostMemory::Upload(const void* host, size_t bytes, void* to) {
  if (bytes > 0) std::memcpy(to, host, bytes);
}

void HostMemory::CopyRows(const void* from, size_t from_stride, void* to, size_t to_stride,
                          int64_t rows, size_t row_bytes) {
  const auto* source = static_cast<const unsigned char*>(from);
  auto* target = static_cast<unsigned char*>(to);
  for (int64_t r = 0; r < rows; ++r, source += from_stride, target += to_stride)
    Upload(source, row_bytes, target);
}

void HostMemory::ZeroRows(void* data, int64_t rows, size_t row_bytes, size_t stride) {
  if (row_bytes == 0) return;
  auto* row = static_cast<unsigned char*>(data);
  for (int64_t r = 0; r < rows; ++r, row += stride) std::memset(row, 0, row_bytes);
}

}  // namespace quadhop
