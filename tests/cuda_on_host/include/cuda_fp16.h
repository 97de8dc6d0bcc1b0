// Half-precision values of the stand-in for CUDA.
#pragma once

#include "core/arrays/dtype.h"

// NOLINTBEGIN(bugprone-reserved-identifier): the names are CUDA's.
struct __half {
  uint16_t bits;
};
inline float __half2float(__half value) { return quadhop::F16ToFloat(value.bits); }
// NOLINTEND(bugprone-reserved-identifier)
