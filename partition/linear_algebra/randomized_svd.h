// The largest singular values and left singular vectors of a large matrix, by random projection.
//
// Halko, Martinsson, Tropp, "Finding structure with randomness", SIAM Review 53 (2011): algorithms
// 4.4 (subspace iteration, orthonormalised each time) and 5.1.
#pragma once

#include <absl/status/status.h>
#include <absl/types/span.h>

#include <cstdint>
#include <functional>

#include "core/arrays/tensor.h"
#include "core/threads/thread_pool.h"
#include "partition/linear_algebra/sparse_matrix.h"

namespace quadhop {

// A matrix A [rows, columns], given by its products.
struct LinearMap {
  int64_t num_rows = 0;
  int64_t num_cols = 0;
  // y = A x.  x [columns, L], y [rows, L]
  std::function<void(TensorView<const float> x, TensorView<float> y)> multiply;
  // x = A^T y.
  std::function<void(TensorView<const float> y, TensorView<float> x)> multiply_transposed;
  // [columns] or empty: what column j's random numbers are keyed by, instead of j, so that the
  // result does not depend on the order of the columns (but for rounding).
  absl::Span<const int64_t> column_keys;
};

// The memory that it takes besides `out` and the map.
int64_t RandomizedSvdBytes(int64_t num_rows, int64_t num_cols, int64_t dim);

// out = U S for the `dim` largest singular values, descending; each column's sign makes its element
// of largest absolute value positive (the first of several). Columns beyond the rank are zero.
// A function of the matrix and seed alone: not of the threads.
// Errors: kInvalidArgument if dim < 1 or dim > min(rows, columns), or a value is not finite;
//         kResourceExhausted if memory does not suffice. `out` is then unspecified.
absl::Status RandomizedSvd(const LinearMap& a, int64_t dim, uint64_t seed, ThreadPool& pool,
                           TensorView<float> out);  // [rows, dim]

// Also holds a transposed copy of `a`.
absl::Status RandomizedSvd(const SparseMatrix& a, int64_t dim, uint64_t seed, ThreadPool& pool,
                           TensorView<float> out);  // [rows, dim]

}  // namespace quadhop
