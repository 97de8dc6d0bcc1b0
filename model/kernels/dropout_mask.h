// Which values a dropout keeps: a function of its key and the values' places alone, the same on
// every device. cpu/dropout_bits.h makes the same bits in SIMD.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "core/base/rng.h"

namespace quadhop {

// The 16-bit threshold of a dropout probability, and the exact factor of what is kept. A threshold
// of 0 drops nothing, even if the probability is above 0.
inline uint32_t DropoutThreshold(double probability) {
  return static_cast<uint32_t>(std::min(std::lround(probability * 65536.0), 65535L));
}
inline float DropoutScale(double probability) {
  return static_cast<float>(1.0 / (1.0 - DropoutThreshold(probability) / 65536.0));
}

// Which of 8 consecutive values, those of a node's block `block`, are kept: bit i is for value i,
// and is set if the value's 16 bits, half i % 2 of word i / 2 of the Philox block, are at least
// `threshold`.
constexpr uint8_t KeepMask(uint64_t key, uint64_t block, uint32_t threshold) {
  const std::array<uint32_t, 4> words = Philox4x32(key, block);
  uint32_t mask = 0;
  for (uint32_t i = 0; i < 4; ++i) {
    if ((words[i] & 0xFFFFu) >= threshold) mask |= 1u << (2 * i);
    if (words[i] >> 16 >= threshold) mask |= 2u << (2 * i);
  }
  return static_cast<uint8_t>(mask);
}

}  // namespace quadhop
