// Products of tall, skinny matrices: any number of rows, some hundred columns. Equal in every digit
// for any number of threads: rows are cut into blocks of fixed size, whose sums are added in order.
#pragma once

#include <absl/types/span.h>

#include <cstdint>

#include "core/arrays/tensor.h"
#include "core/threads/thread_pool.h"

namespace quadhop {

// y^T y, in double.
Tensor<double> Gram(TensorView<const float> y,  // [N, L]
                    ThreadPool& pool);          // [L, L]
// y^T W z for a diagonal W, where it is symmetric but for rounding: its upper triangle, mirrored.
Tensor<double> Gram(TensorView<const double> y,  // [N, L]
                    TensorView<const double> z,  // [N, L]
                    absl::Span<const double> w,  // [N]
                    ThreadPool& pool);           // [L, L]

// out = y m, in their precision. `out` may be y itself if L = K.
void MultiplySmall(TensorView<const float> y,  // [N, L]
                   TensorView<const float> m,  // [L, K]
                   TensorView<float> out,      // [N, K]
                   ThreadPool& pool);
void MultiplySmall(TensorView<const double> y, TensorView<const double> m, TensorView<double> out,
                   ThreadPool& pool);

// Makes the columns of y orthonormal, their span being kept, by Cholesky QR, once or twice
// (Yamamoto et al. 2015: twice is as good as Householder's unless y is nearly singular). Columns
// that depend on those before them to about 1e-5 become zero. Returns how many columns are not
// zero.
int64_t Orthonormalize(TensorView<float> y,  // [N, L]
                       int passes, ThreadPool& pool);
// The same twice, by the inner product y^T W y.
int64_t Orthonormalize(TensorView<double> y,        // [N, L]
                       absl::Span<const double> w,  // [N]
                       ThreadPool& pool);

// Turns columns so that the element of largest absolute value (the first of several) is positive.
void FixSigns(TensorView<float> y,  // [N, L]
              ThreadPool& pool);

}  // namespace quadhop
