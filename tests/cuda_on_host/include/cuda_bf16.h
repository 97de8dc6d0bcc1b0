// bf16 values of the stand-in for CUDA.
#pragma once

#include "core/dtype.h"

struct __nv_bfloat16 {
  uint16_t bits;
};
inline float __bfloat162float(__nv_bfloat16 value) { return quadhop::BF16ToFloat(value.bits); }
inline __nv_bfloat16 __float2bfloat16_rn(float value) { return {quadhop::FloatToBF16(value)}; }
