#include "partition/linear_algebra/standardize.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace quadhop {
namespace {

constexpr int64_t kRowsPerBlock = 4096;
constexpr int64_t kBlocksAThread = 4;  // of which sums are held
constexpr double kTiny = 1e-12;        // keeps rows of zeros as they are
constexpr double kConstant = 1e-6;     // a deviation per mean that f32 does not tell from rounding

// The sum over rows of term(value, column) for each column, blocks added in order.
template <typename Term>
std::vector<double> ColumnSums(int64_t num_rows, int64_t num_columns, const RowSource& row,
                               ThreadPool& pool, const Term& term) {
  const auto width = static_cast<size_t>(num_columns);
  const int64_t num_blocks = NumBlocks(num_rows, kRowsPerBlock);
  const int64_t blocks_at_a_time = kBlocksAThread * pool.num_threads();
  std::vector<double> sums(width);
  for (int64_t first = 0; first < num_blocks; first += blocks_at_a_time) {
    const int64_t count = std::min(blocks_at_a_time, num_blocks - first);
    Tensor<double> parts({count, num_columns});
    pool.ParallelFor(count, [&](int64_t block, int) {
      const BlockRange range = Block(first + block, num_rows, kRowsPerBlock);
      double* const part = parts.row(block);
      std::vector<float> buffer(width);
      for (int64_t i = range.begin; i < range.end; ++i) {
        const float* const values = row(i, buffer.data());
        for (size_t j = 0; j < width; ++j) part[j] += term(values[j], j);
      }
    });
    for (int64_t block = 0; block < count; ++block)
      for (size_t j = 0; j < width; ++j) sums[j] += parts.row(block)[j];
  }
  return sums;
}

bool IsConstant(const ColumnMoments& of, size_t column) {
  return of.deviation[column] <= kConstant * std::abs(of.mean[column]);
}

}  // namespace

ColumnMoments MeasureColumns(int64_t num_rows, int64_t width, const RowSource& row,
                             ThreadPool& pool) {
  const auto count = static_cast<double>(num_rows);
  ColumnMoments of;
  of.mean =
      ColumnSums(num_rows, width, row, pool, [](float value, size_t) { return double{value}; });
  for (double& value : of.mean) value /= count;
  of.deviation =
      ColumnSums(num_rows, width, row, pool, [means = of.mean.data()](float value, size_t j) {
        return (double{value} - means[j]) * (double{value} - means[j]);
      });
  for (double& value : of.deviation) value = std::sqrt(value / count);
  return of;
}

ColumnMoments MeasureColumns(TensorView<const float> x, ThreadPool& pool) {
  const auto row_of = [&](int64_t i, float*) -> const float* { return x.row(i); };
  return MeasureColumns(x.dim(0), x.dim(1), row_of, pool);
}

void StandardizeColumns(TensorView<float> x, const ColumnMoments& of, ThreadPool& pool) {
  std::vector<double> scale;
  for (size_t j = 0; j < of.mean.size(); ++j)
    scale.push_back(IsConstant(of, j) ? 0 : 1 / (of.deviation[j] + kTiny));
  pool.ParallelFor(NumBlocks(x.dim(0), kRowsPerBlock), [&](int64_t block, int) {
    const BlockRange range = Block(block, x.dim(0), kRowsPerBlock);
    float* row = x.row(range.begin);
    for (int64_t i = range.begin; i < range.end; ++i, row += scale.size())
      for (size_t j = 0; j < scale.size(); ++j)
        row[j] = static_cast<float>((double{row[j]} - of.mean[j]) * scale[j]);
  });
}

float ScaleToLengthOne(double square) {
  return static_cast<float>(1 / (std::sqrt(square) + kTiny));
}

void NormalizeRows(TensorView<float> x, ThreadPool& pool) {
  const int64_t width = x.dim(1);
  pool.ParallelFor(NumBlocks(x.dim(0), kRowsPerBlock), [&](int64_t block, int) {
    const BlockRange range = Block(block, x.dim(0), kRowsPerBlock);
    for (int64_t i = range.begin; i < range.end; ++i) {
      float* row = x.row(i);
      double square = 0;
      for (int64_t j = 0; j < width; ++j) square += double{row[j]} * double{row[j]};
      const float scale = ScaleToLengthOne(square);
      for (int64_t j = 0; j < width; ++j) row[j] *= scale;
    }
  });
}

}  // namespace quadhop
