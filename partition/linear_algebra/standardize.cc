#include "partition/linear_algebra/standardize.h"

#include <cmath>
#include <cstdint>
#include <vector>

namespace quadhop {
namespace {

constexpr int64_t kRowsPerBlock = 4096;
constexpr double kTiny = 1e-12;  // keeps rows and columns of zeros as they are

// The sum over rows of term(value, column) for each column, blocks added in order.
template <typename Term>
std::vector<double> ColumnSums(TensorView<const float> x, ThreadPool& pool, const Term& term) {
  const int64_t num_blocks = NumBlocks(x.dim(0), kRowsPerBlock);
  const auto width = static_cast<size_t>(x.dim(1));
  Tensor<double> parts({num_blocks, x.dim(1)});
  pool.ParallelFor(num_blocks, [&](int64_t block, int) {
    const BlockRange range = Block(block, x.dim(0), kRowsPerBlock);
    double* sums = parts.row(block);
    const float* row = x.row(range.begin);
    for (int64_t i = range.begin; i < range.end; ++i, row += width)
      for (size_t j = 0; j < width; ++j) sums[j] += term(row[j], j);
  });
  std::vector<double> sums(width);
  for (int64_t block = 0; block < num_blocks; ++block)
    for (size_t j = 0; j < width; ++j) sums[j] += parts.row(block)[j];
  return sums;
}

}  // namespace

void StandardizeColumns(TensorView<float> x, ThreadPool& pool) {
  const auto count = static_cast<double>(x.dim(0));
  std::vector<double> mean = ColumnSums(x, pool, [](float value, size_t) { return double{value}; });
  for (double& value : mean) value /= count;
  std::vector<double> scale = ColumnSums(x, pool, [means = mean.data()](float value, size_t j) {
    return (double{value} - means[j]) * (double{value} - means[j]);
  });
  for (double& value : scale) value = 1 / (std::sqrt(value / count) + kTiny);
  pool.ParallelFor(NumBlocks(x.dim(0), kRowsPerBlock), [&](int64_t block, int) {
    const BlockRange range = Block(block, x.dim(0), kRowsPerBlock);
    float* row = x.row(range.begin);
    for (int64_t i = range.begin; i < range.end; ++i, row += mean.size())
      for (size_t j = 0; j < mean.size(); ++j)
        row[j] = static_cast<float>((double{row[j]} - mean[j]) * scale[j]);
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
