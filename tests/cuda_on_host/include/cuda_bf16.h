// bf16 values of the stand-in for CUDA.
#pragma once

#include "core/arrays/dtype.h"

// NOLINTBEGIN(bugprone-reserved-identifier): the names are CUDA's.
struct __nv_bfloat16 {
  uint16_t bits;
};
struct alignas(4) __nv_bfloat162 {
  __nv_bfloat16 x, y;
};
inline float __bfloat162float(__nv_bfloat16 value) { return quadhop::BF16ToFloat(value.bits); }
inline __nv_bfloat16 __float2bfloat16_rn(float value) { return {quadhop::FloatToBF16(value)}; }
inline __nv_bfloat162 __floats2bfloat162_rn(float x, float y) {
  return {__float2bfloat16_rn(x), __float2bfloat16_rn(y)};
}
// NOLINTEND(bugprone-reserved-identifier)
