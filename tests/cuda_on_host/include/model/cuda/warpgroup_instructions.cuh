// What takes the place of model/cuda/warpgroup_instructions.cuh, which says what these do. Products
// are made at once.
#pragma once

#include "core/arrays/dtype.h"
#include "core/cuda/threads.cuh"
#include "cuda_runtime.h"

namespace quadhop::cuda {

inline constexpr int kGroupThreads = 128;
inline constexpr int kPanelColumns = 64;
inline constexpr int kPanelRowBytes = 128;
constexpr int PlaceInPanel(int row, int piece) {
  return row * kPanelRowBytes + ((piece ^ row) % 8) * 16;
}

// Two 32-bit halves: where it begins, and how far panels are apart.
inline uint64_t OperandFrom(const void* begin, int panel_bytes) {
  const auto address =
      static_cast<uint64_t>(static_cast<const unsigned char*>(begin) - shared_memory);
  if (address % 16 != 0 || panel_bytes % 16 != 0) cuda_on_host::Bug("an operand off 16 bytes");
  return address | static_cast<uint64_t>(panel_bytes) << 32;
}
inline uint64_t RowOperand(const void* begin) { return OperandFrom(begin, 16); }
inline uint64_t ColumnOperand(const void* begin, int panel_bytes) {
  return OperandFrom(begin, panel_bytes);
}
inline void ShowToProducts() {}
inline void GroupBarrier(int) { cuda_on_host::GroupBarrier(); }
template <int kSums>
void HoldSums(float (&)[kSums]) {}
inline void BeginProducts() {}
inline void EndProducts() {}
inline void WaitForProducts() {}

// Element (kept, summed) of an operand: of its row, or column, `kept`.
inline float OperandAt(uint64_t operand, bool by_columns, unsigned kept, unsigned summed) {
  const unsigned row = by_columns ? summed : kept, column = by_columns ? kept : summed;
  uint64_t at = (operand & 0xFFFFFFFF) + row * kPanelRowBytes + column % kPanelColumns * 2;
  if (column >= kPanelColumns) at += column / kPanelColumns * (operand >> 32);
  at ^= (at >> 7 & 7) << 4;
  uint16_t bits;
  std::memcpy(&bits, shared_memory + at, sizeof(bits));
  return BF16ToFloat(bits);
}

template <int kSums, typename Left>
void MultiplyOnHost(float (&sums)[kSums], const Left& left, uint64_t b, bool columns_of_b,
                    bool add) {
  const unsigned lane = threadIdx.x % 32;
  for (unsigned i = 0; i < kSums; ++i) {
    const unsigned row = lane / 4 + i % 4 / 2 * 8, column = i / 4 * 8 + 2 * (lane % 4) + i % 2;
    float sum = add ? sums[i] : 0;
    for (unsigned k = 0; k < 16; ++k) sum += left(row, k) * OperandAt(b, columns_of_b, column, k);
    sums[i] = sum;
  }
}

template <bool kColumnsOfA, bool kColumnsOfB, int kSums>
void MultiplyShared(float (&sums)[kSums], uint64_t a, uint64_t b, bool add) {
  const unsigned first_row = threadIdx.x % kGroupThreads / 32 * 16;
  MultiplyOnHost(
      sums, [&](unsigned row, unsigned k) { return OperandAt(a, kColumnsOfA, first_row + row, k); },
      b, kColumnsOfB, add);
}
template <int kSums>
void MultiplyRegisters(float (&sums)[kSums], const uint32_t (&a)[4], uint64_t b, bool add) {
  const auto lanes = cuda_on_host::OfLanes(std::array<uint32_t, 4>{a[0], a[1], a[2], a[3]});
  MultiplyOnHost(
      sums,
      [&](unsigned row, unsigned k) {
        const uint32_t word = lanes[row % 8 * 4 + k % 8 / 2][k / 8 * 2 + row / 8];
        return BF16ToFloat(static_cast<uint16_t>(word >> (16 * (k % 2))));
      },
      b, true, add);
}

}  // namespace quadhop::cuda
