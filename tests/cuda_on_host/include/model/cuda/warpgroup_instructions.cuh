// What takes the place of model/cuda/warpgroup_instructions.cuh, which says what these do. Products
// are made at once.
#pragma once

#include "core/cuda/threads.cuh"
#include "core/dtype.h"
#include "cuda_runtime.h"

namespace quadhop::cuda {

inline constexpr int kGroupThreads = 128;
inline constexpr int kPieceBytes = 128;

inline uint64_t SharedOperand(const void* begin, int summed_bytes, int kept_bytes) {
  const auto address =
      static_cast<uint64_t>(static_cast<const unsigned char*>(begin) - shared_memory);
  if (address % 16 != 0 || summed_bytes % 16 != 0 || kept_bytes % 16 != 0)
    cuda_on_host::Bug("an operand off 16 bytes");
  return (address & 0x3FFFF) >> 4 | static_cast<uint64_t>(summed_bytes >> 4) << 16 |
         static_cast<uint64_t>(kept_bytes >> 4) << 32;
}
inline uint64_t Next(uint64_t operand, int bytes) { return operand + (bytes >> 4); }
inline uint64_t Recomputed(uint64_t operand) { return operand; }
inline void ShowToProducts() {}
inline void GroupBarrier(int) { cuda_on_host::GroupBarrier(); }
template <int kSums>
void HoldSums(float (&)[kSums]) {}
inline void BeginProducts() {}
inline void EndProducts() {}

// Element (kept, summed) of an operand: of its row, or column, `kept`.
inline float OperandAt(uint64_t operand, bool by_columns, unsigned kept, unsigned summed) {
  const uint64_t begin = (operand & 0x3FFF) << 4;
  const uint64_t summed_bytes = (operand >> 16 & 0x3FFF) << 4;
  const uint64_t kept_bytes = (operand >> 32 & 0x3FFF) << 4;
  const unsigned row = (by_columns ? summed : kept) % 8, column = (by_columns ? kept : summed) % 8;
  const unsigned char* at = shared_memory + begin + summed / 8 * summed_bytes +
                            kept / 8 * kept_bytes + row * 16 + column * 2;
  uint16_t bits;
  std::memcpy(&bits, at, sizeof(bits));
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
