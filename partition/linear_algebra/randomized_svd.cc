#include "partition/linear_algebra/randomized_svd.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/base/check.h"
#include "core/base/status.h"
#include "core/memory/host_memory.h"
#include "partition/linear_algebra/random_rows.h"
#include "partition/linear_algebra/sparse_product.h"
#include "partition/linear_algebra/sparse_transpose.h"
#include "partition/linear_algebra/symmetric_eigen.h"
#include "partition/linear_algebra/tall_skinny.h"

namespace quadhop {
namespace {

constexpr int64_t kOversampling = 10;
constexpr int kPowerIterations = 3;

// W S [L, dim] from B B^T = W S^2 W^T.
absl::Status RightFactor(Tensor<double> gram, TensorView<float> factor) {
  const int64_t n = gram.dim(0);
  for (int64_t i = 0; i < n * n; ++i)
    if (!std::isfinite(gram[i]))
      return absl::InvalidArgumentError("SVD: the matrix has values that are not finite");
  std::vector<double> values(static_cast<size_t>(n));
  Tensor<double> vectors({n, n});
  SymmetricEigen(gram.view(), absl::MakeSpan(values), vectors.view());
  for (int64_t j = 0; j < factor.dim(1); ++j) {
    const double singular = std::sqrt(std::max(0.0, values[static_cast<size_t>(j)]));
    for (int64_t i = 0; i < n; ++i)
      factor.row(i)[j] = static_cast<float>(vectors.row(j)[i] * singular);
  }
  return absl::OkStatus();
}

}  // namespace

int64_t RandomizedSvdBytes(int64_t num_rows, int64_t num_cols, int64_t dim) {
  const int64_t width = std::min({num_rows, num_cols, dim + kOversampling});
  return (num_rows + num_cols) * width * int64_t{sizeof(float)};
}

absl::Status RandomizedSvd(const LinearMap& a, int64_t dim, uint64_t seed, ThreadPool& pool,
                           TensorView<float> out) {
  const int64_t rank_bound = std::min(a.num_rows, a.num_cols);
  if (dim < 1 || dim > rank_bound)
    return absl::InvalidArgumentError(absl::StrCat(
        "SVD of a ", a.num_rows, " x ", a.num_cols, " matrix to ", dim, " dimensions; allowed: 1",
        rank_bound > 1 ? absl::StrCat(" to ", rank_bound) : ""));
  QH_CHECK(out.HasDims({a.num_rows, dim}));
  const int64_t width = std::min(rank_bound, dim + kOversampling);
  QH_RETURN_IF_ERROR(CheckMemory(
      absl::StrCat("SVD of a ", a.num_rows, " x ", a.num_cols, " matrix to ", dim, " dimensions"),
      RandomizedSvdBytes(a.num_rows, a.num_cols, dim)));
  Tensor<float> y({a.num_rows, width}), z({a.num_cols, width}), factor({width, dim});
  FillNormals(a.column_keys, seed, RowDraws::kSvd, 0, z.view(), pool);
  a.multiply(z.cview(), y.view());
  for (int iteration = 0; iteration < kPowerIterations; ++iteration) {
    Orthonormalize(y.view(), 1, pool);
    a.multiply_transposed(y.cview(), z.view());
    Orthonormalize(z.view(), 1, pool);
    a.multiply(z.cview(), y.view());
  }
  Orthonormalize(y.view(), 2, pool);           // Q
  a.multiply_transposed(y.cview(), z.view());  // B^T = A^T Q
  QH_RETURN_IF_ERROR(RightFactor(Gram(z.cview(), pool), factor.view()));
  MultiplySmall(y.cview(), factor.cview(), out, pool);
  FixSigns(out, pool);
  return absl::OkStatus();
}

absl::Status RandomizedSvd(const SparseMatrix& a, int64_t dim, uint64_t seed, ThreadPool& pool,
                           TensorView<float> out) {
  const OwnedSparseMatrix transposed = Transpose(a);
  LinearMap map;
  map.num_rows = a.num_rows;
  map.num_cols = a.num_cols;
  map.multiply = [&](TensorView<const float> x, TensorView<float> y) {
    Multiply(a, {}, x, y, pool);
  };
  map.multiply_transposed = [&](TensorView<const float> y, TensorView<float> x) {
    Multiply(transposed.view(), {}, y, x, pool);
  };
  return RandomizedSvd(map, dim, seed, pool, out);
}

}  // namespace quadhop
