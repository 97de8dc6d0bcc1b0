#include "partition/linear_algebra/tall_skinny.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/check.h"

namespace quadhop {
namespace {

constexpr int64_t kRowsPerPanel = 64;  // as doubles, a panel stays in the L2 cache
constexpr int64_t kRowsPerBlock = 4096;
constexpr int64_t kBlocksAtOnce = 32;  // bounds the memory for partial sums
constexpr int64_t kTileRows = 2, kTileCols = 8;
// Squared share of a column that must be left, once those before it are projected out.
constexpr double kDependent = 1e-10;

int64_t RoundUp(int64_t value, int64_t step) { return (value + step - 1) / step * step; }

// The upper triangle (by tiles) of panel^T panel is added to `gram`.
void AddPanel(const double* panel, int64_t rows, int64_t width, double* gram) {
  for (int64_t i = 0; i < width; i += kTileRows) {
    for (int64_t j = i / kTileCols * kTileCols; j < width; j += kTileCols) {
      double sum[kTileRows][kTileCols] = {};
      for (int64_t r = 0; r < rows; ++r) {
        const double* row = panel + r * width;
        for (int64_t a = 0; a < kTileRows; ++a)
          for (int64_t b = 0; b < kTileCols; ++b) sum[a][b] += row[i + a] * row[j + b];
      }
      for (int64_t a = 0; a < kTileRows; ++a)
        for (int64_t b = 0; b < kTileCols; ++b) gram[(i + a) * width + j + b] += sum[a][b];
    }
  }
}

void GramOfRows(TensorView<const float> y, BlockRange rows, int64_t padded, double* panel,
                double* gram) {
  std::fill_n(gram, padded * padded, 0.0);
  const int64_t width = y.dim(1);
  for (int64_t begin = rows.begin; begin < rows.end; begin += kRowsPerPanel) {
    const int64_t count = std::min(kRowsPerPanel, rows.end - begin);
    for (int64_t r = 0; r < count; ++r) {
      const float* from = y.data() + (begin + r) * width;
      std::copy_n(from, width, panel + r * padded);
    }
    AddPanel(panel, count, padded, gram);
  }
}

// R^-1 of the Cholesky factor gram = R^T R, upper triangular, as floats. A column whose pivot is
// negligible is dropped: its column of R^-1 is zero. Returns the number of columns kept.
int64_t InverseCholesky(Tensor<double>& gram, Tensor<float>& inverse) {
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
      inverse.row(i)[j] = static_cast<float>(x.row(i)[j]);
    }
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
  QH_CHECK_EQ(y.rank(), 2);
  const int64_t num_rows = y.dim(0), width = y.dim(1), padded = RoundUp(width, kTileCols);
  const int64_t num_blocks = NumBlocks(num_rows, kRowsPerBlock);
  const int64_t at_once = std::min(num_blocks, kBlocksAtOnce);
  Tensor<double> parts({std::max<int64_t>(1, at_once), padded, padded});
  Tensor<double> panels({pool.num_threads(), kRowsPerPanel, padded});
  Tensor<double> gram({width, width});
  for (int64_t first = 0; first < num_blocks; first += at_once) {
    const int64_t count = std::min(at_once, num_blocks - first);
    pool.ParallelFor(count, [&](int64_t i, int worker) {
      GramOfRows(y, Block(first + i, num_rows, kRowsPerBlock), padded, panels.row(worker),
                 parts.row(i));
    });
    for (int64_t part = 0; part < count; ++part)
      for (int64_t i = 0; i < width; ++i)
        for (int64_t j = i; j < width; ++j) gram.row(i)[j] += parts.row(part)[i * padded + j];
  }
  for (int64_t i = 0; i < width; ++i)
    for (int64_t j = 0; j < i; ++j) gram.row(i)[j] = gram.row(j)[i];
  return gram;
}

void MultiplySmall(TensorView<const float> y, TensorView<const float> m, TensorView<float> out,
                   ThreadPool& pool) {
  const int64_t num_rows = y.dim(0), depth = y.dim(1), width = m.dim(1);
  QH_CHECK_EQ(m.dim(0), depth);
  QH_CHECK(out.HasDims({num_rows, width}));
  Tensor<float> copies({pool.num_threads(), kRowsPerPanel, depth});
  pool.ParallelFor(NumBlocks(num_rows, kRowsPerPanel), [&](int64_t block, int worker) {
    const BlockRange range = Block(block, num_rows, kRowsPerPanel);
    const int64_t count = range.end - range.begin;
    float* const copy = copies.row(worker);
    std::copy_n(y.data() + range.begin * depth, count * depth, copy);
    float* const target = out.data() + range.begin * width;
    std::fill_n(target, count * width, 0.0f);
    constexpr int64_t kUnroll = 4;  // terms of a sum a pass, so that `to` is loaded less often
    for (int64_t r = 0; r < count; ++r) {
      const float* from = copy + r * depth;
      float* __restrict to = target + r * width;
      int64_t k = 0;
      for (; k + kUnroll <= depth; k += kUnroll) {
        const float* m0 = m.data() + k * width;
        const float *m1 = m0 + width, *m2 = m1 + width, *m3 = m2 + width;
        for (int64_t j = 0; j < width; ++j)
          to[j] +=
              (from[k] * m0[j] + from[k + 1] * m1[j]) + (from[k + 2] * m2[j] + from[k + 3] * m3[j]);
      }
      for (; k < depth; ++k)
        for (int64_t j = 0; j < width; ++j) to[j] += from[k] * m.data()[k * width + j];
    }
  });
}

int64_t Orthonormalize(TensorView<float> y, int passes, ThreadPool& pool) {
  Tensor<float> inverse;
  int64_t num_kept = y.dim(1);
  for (int pass = 0; pass < passes; ++pass) {
    Tensor<double> gram = Gram(y, pool);
    num_kept = InverseCholesky(gram, inverse);
    MultiplySmall(y, inverse.cview(), y, pool);
  }
  return num_kept;
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
