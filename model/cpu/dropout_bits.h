// Which values a dropout keeps: bits from the counter-based random numbers of core/base/rng.h, in
// SIMD.
#pragma once

#include <cstdint>

#include "model/kernels/dropout_mask.h"
#include "model/kernels/kernels.h"

namespace quadhop::cpu {

// Bytes of the keep bits of one row of n values: bit i of byte i / 8 is value i.
inline int64_t KeepBytes(int64_t n) { return (n + 7) / 8; }

// Keep bits for `num_bytes` * 8 values of the stream `key`: byte i is KeepMask(key, i, threshold).
void KeepBits(uint64_t key, uint32_t threshold, int64_t num_bytes, uint8_t* keep);
// Keep bits for the values of batch row `row`, for a dropout with probability > 0.
void NodeKeepBits(const Dropout& dropout, int64_t row, int64_t num_bytes, uint8_t* keep);

}  // namespace quadhop::cpu
