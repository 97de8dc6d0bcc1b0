// What takes the place of model/cuda/matrix_instructions.cuh, which says what these do. Lanes hold
// what they hold on a GPU; copies are made when they are waited for, so that what does not wait
// finds what was there before.
#pragma once

#include <array>
#include <vector>

#include "core/arrays/dtype.h"
#include "cuda_runtime.h"

namespace quadhop::cuda {

// The 16-bit values of 8 x 8 matrices, of the row or the column that a lane gets.
inline void TakeMatrices(const void* row, bool transposed, uint32_t (&values)[4]) {
  if (reinterpret_cast<uintptr_t>(row) % 16 != 0) cuda_on_host::Bug("a matrix off 16 bytes");
  const std::array<const void*, 32> rows = cuda_on_host::OfLanes(row);
  const unsigned lane = threadIdx.x % 32, major = lane / 4, minor = 2 * (lane % 4);
  for (unsigned matrix = 0; matrix < 4; ++matrix) {
    uint16_t two[2];
    for (unsigned i = 0; i < 2; ++i) {
      const unsigned r = transposed ? minor + i : major, c = transposed ? major : minor + i;
      two[i] = static_cast<const uint16_t*>(rows[matrix * 8 + r])[c];
    }
    values[matrix] = two[0] | uint32_t{two[1]} << 16;
  }
}
inline void LoadMatrices(const void* row, uint32_t (&values)[4]) {
  TakeMatrices(row, false, values);
}
inline void LoadMatricesTransposed(const void* row, uint32_t (&values)[4]) {
  TakeMatrices(row, true, values);
}

inline void MultiplyAdd(float (&c)[4], const uint32_t (&a)[4], uint32_t b_first,
                        uint32_t b_second) {
  using Operands = std::array<uint32_t, 6>;
  const std::array<Operands, 32> lanes =
      cuda_on_host::OfLanes(Operands{a[0], a[1], a[2], a[3], b_first, b_second});
  const auto value = [&](unsigned lane, unsigned word, unsigned half) {
    return BF16ToFloat(static_cast<uint16_t>(lanes[lane][word] >> (16 * half)));
  };
  const unsigned lane = threadIdx.x % 32;
  for (unsigned i = 0; i < 4; ++i) {
    const unsigned row = lane / 4 + i / 2 * 8, column = 2 * (lane % 4) + i % 2;
    for (unsigned k = 0; k < 16; ++k) {
      const unsigned of_quad = k % 8 / 2, upper = k / 8, half = k % 2;
      c[i] += value(row % 8 * 4 + of_quad, 2 * upper + row / 8, half) *
              value(column * 4 + of_quad, 4 + upper, half);
    }
  }
}

struct PendingCopy {
  void* to;
  const void* from;  // nullptr: zeros
};
struct PendingCopies {
  std::vector<PendingCopy> open;
  std::vector<std::vector<PendingCopy>> groups;
};
// Of the threads of a block.
inline std::vector<PendingCopies>& AllPendingCopies() {
  thread_local std::vector<PendingCopies> of_threads(1024);
  return of_threads;
}

inline void CopyBehind(void* shared, const void* global, bool is_there) {
  if (reinterpret_cast<uintptr_t>(shared) % 16 != 0) cuda_on_host::Bug("a copy off 16 bytes");
  if (is_there && reinterpret_cast<uintptr_t>(global) % 16 != 0)
    cuda_on_host::Bug("a copy of what is off 16 bytes");
  AllPendingCopies()[threadIdx.x].open.push_back({shared, is_there ? global : nullptr});
}
inline void EndCopies() {
  PendingCopies& mine = AllPendingCopies()[threadIdx.x];
  mine.groups.push_back(std::move(mine.open));
  mine.open.clear();
}
template <int kPending>
void WaitForCopies() {
  auto& groups = AllPendingCopies()[threadIdx.x].groups;
  while (groups.size() > kPending) {
    for (const PendingCopy& copy : groups.front()) {
      if (copy.from != nullptr)
        std::memcpy(copy.to, copy.from, 16);
      else
        std::memset(copy.to, 0, 16);
    }
    groups.erase(groups.begin());
  }
}

}  // namespace quadhop::cuda
