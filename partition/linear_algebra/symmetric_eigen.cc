#include "partition/linear_algebra/symmetric_eigen.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "core/base/check.h"

namespace quadhop {
namespace {

constexpr int kMaxSweeps = 60;

// Rows p and q of [., n] become (c p - s q, s p + c q).
void RotateRows(double* p, double* q, int64_t n, double c, double s) {
  for (int64_t i = 0; i < n; ++i) {
    const double x = p[i], y = q[i];
    p[i] = c * x - s * y;
    q[i] = s * x + c * y;
  }
}

// Makes a[p][q] zero by a rotation from both sides, and turns the vectors with it.
void Annihilate(TensorView<double> a, TensorView<double> vectors, int64_t p, int64_t q) {
  const int64_t n = a.dim(0);
  double* row_p = a.row(p);
  double* row_q = a.row(q);
  const double theta = (row_q[q] - row_p[p]) / (2 * row_p[q]);
  const double t = (theta >= 0 ? 1 : -1) / (std::abs(theta) + std::sqrt(theta * theta + 1));
  const double c = 1 / std::sqrt(t * t + 1), s = t * c;
  RotateRows(row_p, row_q, n, c, s);
  for (int64_t i = 0; i < n; ++i) {
    double* row = a.row(i);
    const double x = row[p], y = row[q];
    row[p] = c * x - s * y;
    row[q] = s * x + c * y;
  }
  row_p[q] = row_q[p] = 0;
  RotateRows(vectors.row(p), vectors.row(q), n, c, s);
}

}  // namespace

void SymmetricEigen(TensorView<double> a, absl::Span<double> values, TensorView<double> vectors) {
  const int64_t n = a.dim(0);
  QH_CHECK(a.HasDims({n, n}) && vectors.HasDims({n, n}));
  QH_CHECK_EQ(static_cast<int64_t>(values.size()), n);
  Tensor<double> rows({n, n});  // eigenvectors as they come
  double square_norm = 0;
  for (int64_t i = 0; i < n; ++i) rows.row(i)[i] = 1;
  for (int64_t i = 0; i < n * n; ++i) square_norm += a[i] * a[i];
  const double negligible = 1e-16 * std::sqrt(square_norm) / std::max<double>(1, double(n));
  for (int sweep = 0; sweep < kMaxSweeps; ++sweep) {
    bool turned = false;
    for (int64_t p = 0; p + 1 < n; ++p) {
      for (int64_t q = p + 1; q < n; ++q) {
        if (std::abs(a.row(p)[q]) <= negligible) continue;
        Annihilate(a, rows.view(), p, q);
        turned = true;
      }
    }
    if (!turned) break;
  }
  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t i, int64_t j) { return a.row(i)[i] > a.row(j)[j]; });
  for (size_t i = 0; i < order.size(); ++i) {
    values[i] = a.row(order[i])[order[i]];
    std::copy_n(rows.row(order[i]), n, vectors.row(static_cast<int64_t>(i)));
  }
}

}  // namespace quadhop
