// A sum of rows, row by row.
#pragma once

#include <cstdint>

namespace quadhop {

// sum += scale * x  // both [n], not overlapping
inline void AddScaled(float scale, const float* __restrict x, int64_t n, float* __restrict sum) {
  for (int64_t i = 0; i < n; ++i) sum[i] += scale * x[i];
}

}  // namespace quadhop
