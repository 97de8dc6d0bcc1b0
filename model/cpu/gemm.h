// Matrix products on one thread, by oneDNN.
#pragma once

#include <cstdint>

#include "core/arrays/dtype.h"
#include "model/kernels/matrix_ref.h"

namespace quadhop::cpu {

// c [m, n] (rows c_stride apart) = alpha * a [m, k] b [k, n] + beta * c, where a and b are taken
// after transposition; sums are in float. Results are a function of the arguments alone, to the
// last bit. Thread-safe.
void Gemm(int64_t m, int64_t n, int64_t k, MatrixRef<float> a, MatrixRef<float> b, float beta,
          float* c, int64_t c_stride, float alpha = 1.0f);
void Gemm(int64_t m, int64_t n, int64_t k, MatrixRef<BFloat16> a, MatrixRef<BFloat16> b, float beta,
          float* c, int64_t c_stride, float alpha = 1.0f);

}  // namespace quadhop::cpu
