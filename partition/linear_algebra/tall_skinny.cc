#include "partition/linear_algebra/tall_skinny.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/base/check.h"

namespace quadhop {
namespace {

constexpr int64_t kRowsPerPanel = 64;  // as doubles, a panel stays in the L2 cache
constexpr int64_t kRowsPerBlock = 4096;
constexpr int64_t kBlocksAtOnce = 32;  // bounds the memory for partial sums
constexpr int64_t kTileRows = 2, kTileCols = 8;
// Squared share of a column that must be left, once those before it are projected out.
constexpr double kDependent = 1e-10;

// The upper triangle (by tiles) of y^T z is added to `gram`.
void AddPanel(const double* y, const double* z, int64_t rows, int64_t width, double* gram) {
  for (int64_t i = 0; i < width; i += kTileRows) {
    for (int64_t j = i / kTileCols * kTileCols; j < width; j += kTileCols) {
      double sum[kTileRows][kTileCols] = {};
      for (int64_t r = 0; r < rows; ++r) {
        const double *left = y + r * width + i, *right = z + r * width + j;
        for (int64_t a = 0; a < kTileRows; ++a)
          for (int64_t b = 0; b < kTileCols; ++b) sum[a][b] += left[a] * right[b];
      }
      for (int64_t a = 0; a < kTileRows; ++a)
        for (int64_t b = 0; b < kTileCols; ++b) gram[(i + a) * width + j + b] += sum[a][b];
    }
  }
}

// Rows [begin, begin + count) of y, each times its weight.
template <typename T>
void CopyPanel(TensorView<const T> y, absl::Span<const double> w, int64_t begin, int64_t count,
               int64_t padded, double* panel) {
  for (int64_t r = 0; r < count; ++r) {
    const double weight = w.empty() ? 1 : w[static_cast<size_t>(begin + r)];
    std::transform(y.row(begin + r), y.row(begin + r) + y.dim(1), panel + r * padded,
                   [weight](T value) { return weight * double{value}; });
  }
}

template <typename T>
void GramOfRows(TensorView<const T> y, TensorView<const T> z, absl::Span<const double> w,
                BlockRange rows, int64_t padded, TensorView<double> panels, double* gram) {
  std::fill_n(gram, padded * padded, 0.0);
  for (int64_t begin = rows.begin; begin < rows.end; begin += kRowsPerPanel) {
    const int64_t count = std::min(kRowsPerPanel, rows.end - begin);
    CopyPanel(y, {}, begin, count, padded, panels.row(0));
    CopyPanel(z, w, begin, count, padded, panels.row(1));
    AddPanel(panels.row(0), panels.row(1), count, padded, gram);
  }
}

// R^-1 of the Cholesky factor gram = R^T R, upper triangular. A column whose pivot is negligible is
// dropped: its column of R^-1 is zero. Returns the number of columns kept.
template <typename T>
int64_t InverseCholesky(Tensor<double>& gram, Tensor<T>& inverse) {
  const int64_t n = gram.dim(0);
  Tensor<double> r({n, n}), x({n, n});
  std::vector<bool> kept(static_cast<size_t>(n));
  int64_t num_kept = 0;
  for (int64_t i = 0; i < n; ++i) {
    double pivot = gram.row(i)[i];
    for (int64_t k = 0; k < i; ++k) pivot -= r.row(k)[i] * r.row(k)[i];
    if (!(pivot > kDependent * gram.row(i)[i])) continue;
    kept[static_cast<size_t>(i)] = true;
    ++num_kept;
    r.row(i)[i] = std::sqrt(pivot);
    for (int64_t j = i + 1; j < n; ++j) {
      double sum = gram.row(i)[j];
      for (int64_t k = 0; k < i; ++k) sum -= r.row(k)[i] * r.row(k)[j];
      r.row(i)[j] = sum / r.row(i)[i];
    }
  }
  inverse.Resize({n, n});
  inverse.Fill(0);
  for (int64_t j = 0; j < n; ++j) {  // column j of R x = I, from below
    if (!kept[static_cast<size_t>(j)]) continue;
    for (int64_t i = j; i >= 0; --i) {
      if (!kept[static_cast<size_t>(i)]) continue;
      double sum = i == j ? 1 : 0;
      for (int64_t k = i + 1; k <= j; ++k) sum -= r.row(i)[k] * x.row(k)[j];
      x.row(i)[j] = sum / r.row(i)[i];
      inverse.row(i)[j] = static_cast<T>(x.row(i)[j]);
    }
  }
  return num_kept;
}

template <typename T>
Tensor<double> WeightedGram(TensorView<const T> y, TensorView<const T> z,
                            absl::Span<const double> w, ThreadPool& pool) {
  QH_CHECK_EQ(y.rank(), 2);
  QH_CHECK(z.HasDims({y.dim(0), y.dim(1)}));
  QH_CHECK(w.empty() || static_cast<int64_t>(w.size()) == y.dim(0));
  const int64_t num_rows = y.dim(0), width = y.dim(1),
                padded = NumBlocks(width, kTileCols) * kTileCols;
  const int64_t num_blocks = NumBlocks(num_rows, kRowsPerBlock);
  const int64_t at_once = std::min(num_blocks, kBlocksAtOnce);
  Tensor<double> parts({std::max<int64_t>(1, at_once), padded, padded});
  Tensor<double> panels({pool.num_threads(), 2, kRowsPerPanel, padded});
  Tensor<double> gram({width, width});
  for (int64_t first = 0; first < num_blocks; first += at_once) {
    const int64_t count = std::min(at_once, num_blocks - first);
    pool.ParallelFor(count, [&](int64_t i, int worker) {
      GramOfRows(y, z, w, Block(first + i, num_rows, kRowsPerBlock), padded,
                 TensorView<double>(panels.row(worker), {2, kRowsPerPanel, padded}), parts.row(i));
    });
    for (int64_t part = 0; part < count; ++part)
      for (int64_t i = 0; i < width; ++i)
        for (int64_t j = i; j < width; ++j) gram.row(i)[j] += parts.row(part)[i * padded + j];
  }
  for (int64_t i = 0; i < width; ++i)
    for (int64_t j = 0; j < i; ++j) gram.row(i)[j] = gram.row(j)[i];
  return gram;
}

template <typename T>
void MultiplyRows(TensorView<const T> y, TensorView<const T> m, TensorView<T> out,
                  ThreadPool& pool) {
  const int64_t num_rows = y.dim(0), depth = y.dim(1), width = m.dim(1);
  QH_CHECK_EQ(m.dim(0), depth);
  QH_CHECK(out.HasDims({num_rows, width}));
  Tensor<T> copies({pool.num_threads(), kRowsPerPanel, depth});
  pool.ParallelFor(NumBlocks(num_rows, kRowsPerPanel), [&](int64_t block, int worker) {
    const BlockRange range = Block(block, num_rows, kRowsPerPanel);
    const int64_t count = range.end - range.begin;
    T* const copy = copies.row(worker);
    std::copy_n(y.data() + range.begin * depth, count * depth, copy);
    T* const target = out.data() + range.begin * width;
    std::fill_n(target, count * width, T{0});
    constexpr int64_t kUnroll = 4;  // terms of a sum per pass, so that `to` is loaded less often
    for (int64_t r = 0; r < count; ++r) {
      const T* from = copy + r * depth;
      T* __restrict to = target + r * width;
      int64_t k = 0;
      for (; k + kUnroll <= depth; k += kUnroll) {
        const T* m0 = m.data() + k * width;
        const T *m1 = m0 + width, *m2 = m1 + width, *m3 = m2 + width;
        for (int64_t j = 0; j < width; ++j)
          to[j] +=
              (from[k] * m0[j] + from[k + 1] * m1[j]) + (from[k + 2] * m2[j] + from[k + 3] * m3[j]);
      }
      for (; k < depth; ++k)
        for (int64_t j = 0; j < width; ++j) to[j] += from[k] * m.data()[k * width + j];
    }
  });
}

template <typename T>
int64_t CholeskyQr(TensorView<T> y, absl::Span<const double> w, int passes, ThreadPool& pool) {
  Tensor<T> inverse;
  int64_t num_kept = y.dim(1);
  for (int pass = 0; pass < passes; ++pass) {
    Tensor<double> gram = WeightedGram<T>(y, y, w, pool);
    num_kept = InverseCholesky(gram, inverse);
    MultiplyRows<T>(y, inverse.cview(), y, pool);
  }
  return num_kept;
}

// For each column the element of largest absolute value, the first of several.
std::vector<float> LargestElements(TensorView<const float> y, ThreadPool& pool) {
  const int64_t width = y.dim(1), num_blocks = NumBlocks(y.dim(0), kRowsPerBlock);
  Tensor<float> parts({num_blocks, width});
  const auto keep_larger = [width](const float* candidate, float* best) {
    for (int64_t j = 0; j < width; ++j)
      if (std::abs(candidate[j]) > std::abs(best[j])) best[j] = candidate[j];
  };
  pool.ParallelFor(num_blocks, [&](int64_t block, int) {
    const BlockRange range = Block(block, y.dim(0), kRowsPerBlock);
    for (int64_t i = range.begin; i < range.end; ++i) keep_larger(y.row(i), parts.row(block));
  });
  std::vector<float> best(static_cast<size_t>(width));
  for (int64_t block = 0; block < num_blocks; ++block) keep_larger(parts.row(block), best.data());
  return best;
}

}  // namespace

Tensor<double> Gram(TensorView<const float> y, ThreadPool& pool) {
  return WeightedGram(y, y, {}, pool);
}

Tensor<double> Gram(TensorView<const double> y, TensorView<const double> z,
                    absl::Span<const double> w, ThreadPool& pool) {
  return WeightedGram(y, z, w, pool);
}

void MultiplySmall(TensorView<const float> y, TensorView<const float> m, TensorView<float> out,
                   ThreadPool& pool) {
  MultiplyRows(y, m, out, pool);
}

void MultiplySmall(TensorView<const double> y, TensorView<const double> m, TensorView<double> out,
                   ThreadPool& pool) {
  MultiplyRows(y, m, out, pool);
}

int64_t Orthonormalize(TensorView<float> y, int passes, ThreadPool& pool) {
  return CholeskyQr(y, {}, passes, pool);
}

int64_t Orthonormalize(TensorView<double> y, absl::Span<const double> w, ThreadPool& pool) {
  return CholeskyQr(y, w, 2, pool);
}

void FixSigns(TensorView<float> y, ThreadPool& pool) {
  const std::vector<float> largest = LargestElements(y, pool);
  pool.ParallelFor(NumBlocks(y.dim(0), kRowsPerBlock), [&](int64_t block, int) {
    const BlockRange range = Block(block, y.dim(0), kRowsPerBlock);
    for (int64_t i = range.begin; i < range.end; ++i)
      for (size_t j = 0; j < largest.size(); ++j)
        if (largest[j] < 0) y.row(i)[static_cast<int64_t>(j)] *= -1;
  });
}

}  // namespace quadhop
