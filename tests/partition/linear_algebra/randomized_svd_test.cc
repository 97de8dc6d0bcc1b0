#include "partition/linear_algebra/randomized_svd.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "partition/linear_algebra/symmetric_eigen.h"
#include "partition/linear_algebra/tall_skinny.h"
#include "tests/partition/store_testing.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

using testing::HasSubstr;

constexpr double kEps = 0x1p-23;

// A dense matrix as a sparse one.
struct Matrix {
  int64_t rows, cols;
  std::vector<float> values;
  std::vector<int64_t> indptr;
  std::vector<uint32_t> indices;

  Matrix(int64_t num_rows, int64_t num_cols)
      : rows(num_rows), cols(num_cols), values(static_cast<size_t>(num_rows * num_cols)) {
    for (int64_t i = 0; i <= rows; ++i) indptr.push_back(i * cols);
    for (int64_t i = 0; i < rows * cols; ++i) indices.push_back(static_cast<uint32_t>(i % cols));
  }
  float& at(int64_t i, int64_t j) { return values[static_cast<size_t>(i * cols + j)]; }
  double at(int64_t i, int64_t j) const { return values[static_cast<size_t>(i * cols + j)]; }
  SparseMatrix sparse() const { return {rows, cols, indptr, indices, values}; }
};

Matrix RandomMatrix(int64_t rows, int64_t cols, double decay, uint64_t seed) {
  Matrix matrix(rows, cols);
  matrix.values = RandomValues(rows * cols, seed);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < cols; ++j)
      matrix.at(i, j) *= static_cast<float>(std::pow(decay, static_cast<double>(j)));
  return matrix;
}

std::vector<float> Svd(const SparseMatrix& a, int64_t dim, int num_threads) {
  ThreadPool pool(num_threads);
  std::vector<float> out(static_cast<size_t>(a.num_rows * dim));
  EXPECT_OK(RandomizedSvd(a, dim, 7, pool, TensorView<float>(out.data(), {a.num_rows, dim})));
  return out;
}

double ColumnNorm(const std::vector<float>& out, size_t dim, size_t column) {
  double square = 0;
  for (size_t i = column; i < out.size(); i += dim) square += double{out[i]} * double{out[i]};
  return std::sqrt(square);
}

// Blocks of c on the diagonal, rows x cols each: the singular values are c sqrt(rows cols), and U S
// is c sqrt(cols) on the block's rows.
TEST(RandomizedSvd, GivesTheSingularVectorsOfABlockDiagonalMatrix) {
  Matrix a(30, 26);
  for (int64_t i = 0; i < 12; ++i)
    for (int64_t j = 0; j < 16; ++j) a.at(i, j) = 2;  // 2 sqrt(12 16) = 27.7
  for (int64_t i = 12; i < 30; ++i)
    for (int64_t j = 16; j < 25; ++j) a.at(i, j) = -1;  // sqrt(18 9) = 12.7
  const std::vector<float> out = Svd(a.sparse(), 3, 1);
  for (size_t i = 0; i < 30; ++i) {
    EXPECT_NEAR(out[3 * i], i < 12 ? 8 : 0, 64 * kEps * 8) << i;
    EXPECT_NEAR(out[3 * i + 1], i < 12 ? 0 : 3, 64 * kEps * 8) << i;  // sign: largest is positive
    EXPECT_NEAR(out[3 * i + 2], 0, 64 * kEps * 8) << i;               // beyond the rank
  }
}

TEST(RandomizedSvd, OfFullRankGivesBackTheProductOfTheMatrixWithItself) {
  const Matrix a = RandomMatrix(60, 8, 1, 1);
  const std::vector<float> us = Svd(a.sparse(), 8, 1);
  for (int64_t i = 0; i < 60; ++i) {
    for (int64_t j = 0; j < 60; ++j) {
      double expected = 0, actual = 0;
      for (int64_t k = 0; k < 8; ++k) {
        expected += a.at(i, k) * a.at(j, k);
        actual +=
            double{us[static_cast<size_t>(i * 8 + k)]} * double{us[static_cast<size_t>(j * 8 + k)]};
      }
      EXPECT_NEAR(actual, expected, 64 * kEps * 100);  // the largest singular value squared is ~100
    }
  }
}

TEST(RandomizedSvd, HasTheSingularValuesOfADenseSolver) {
  const Matrix a = RandomMatrix(50, 30, 0.8, 2);
  Tensor<double> product({30, 30}), vectors({30, 30});
  for (int64_t i = 0; i < 30; ++i)
    for (int64_t j = 0; j < 30; ++j)
      for (int64_t k = 0; k < 50; ++k) product.row(i)[j] += a.at(k, i) * a.at(k, j);
  std::vector<double> values(30);
  SymmetricEigen(product.view(), absl::MakeSpan(values), vectors.view());
  const std::vector<float> us = Svd(a.sparse(), 10, 1);
  const double largest = std::sqrt(values[0]);
  for (size_t k = 0; k < 10; ++k)
    EXPECT_NEAR(ColumnNorm(us, 10, k), std::sqrt(values[k]), 64 * kEps * largest) << k;
}

TEST(RandomizedSvd, IsEqualInEveryDigitForAnyNumberOfThreads) {
  const TestGraph graph = RandomGraph(9000, 30000, true, 3);
  const SparseMatrix a{9000, 9000, graph.indptr, graph.indices, {}};
  const std::vector<float> one = Svd(a, 5, 1);
  EXPECT_EQ(Svd(a, 5, 2), one);
  EXPECT_EQ(Svd(a, 5, 3), one);
}

TEST(RandomizedSvd, RefusesMoreDimensionsThanTheMatrixHas) {
  const Matrix a = RandomMatrix(5, 4, 1, 4);
  Tensor<float> out({5, 5});
  ThreadPool pool(1);
  EXPECT_THAT(RandomizedSvd(a.sparse(), 5, 0, pool, out.view()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("1 to 4")));
}

TEST(RandomizedSvd, RefusesValuesThatAreNotFinite) {
  Matrix a = RandomMatrix(20, 20, 1, 5);
  a.at(3, 3) = std::numeric_limits<float>::infinity();
  Tensor<float> out({20, 2});
  ThreadPool pool(1);
  EXPECT_THAT(RandomizedSvd(a.sparse(), 2, 0, pool, out.view()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not finite")));
}

// The second difference matrix: eigenvalues 2 - 2 cos(k pi / (n + 1)).
TEST(SymmetricEigen, SolvesTheSecondDifferenceMatrix) {
  constexpr int64_t kSize = 20;
  Tensor<double> a({kSize, kSize}), vectors({kSize, kSize});
  for (int64_t i = 0; i < kSize; ++i) {
    a.row(i)[i] = 2;
    if (i > 0) a.row(i)[i - 1] = a.row(i - 1)[i] = -1;
  }
  std::vector<double> values(kSize);
  SymmetricEigen(a.view(), absl::MakeSpan(values), vectors.view());
  for (int64_t k = 0; k < kSize; ++k) {
    const double value = values[static_cast<size_t>(k)];
    EXPECT_NEAR(value,
                2 - 2 * std::cos(static_cast<double>(kSize - k) * std::numbers::pi / (kSize + 1)),
                1e-13);
    const double* v = vectors.row(k);
    for (int64_t i = 0; i < kSize; ++i) {
      const double product = 2 * v[i] - (i > 0 ? v[i - 1] : 0) - (i + 1 < kSize ? v[i + 1] : 0);
      EXPECT_NEAR(product, value * v[i], 1e-13);
    }
  }
}

TEST(TallSkinny, GramIsTheProductInDouble) {
  constexpr int64_t kRows = 5000, kWidth = 13;
  const std::vector<float> y = RandomValues(kRows * kWidth, 6);
  ThreadPool pool(2);
  const Tensor<double> gram = Gram(TensorView<const float>(y.data(), {kRows, kWidth}), pool);
  for (int64_t i = 0; i < kWidth; ++i) {
    for (int64_t j = 0; j < kWidth; ++j) {
      double sum = 0;
      for (int64_t r = 0; r < kRows; ++r)
        sum += double{y[static_cast<size_t>(r * kWidth + i)]} *
               double{y[static_cast<size_t>(r * kWidth + j)]};
      EXPECT_NEAR(gram.row(i)[j], sum, 1e-9);
    }
  }
}

TEST(TallSkinny, OrthonormalizesByAnInnerProductWithWeights) {
  constexpr int64_t kRows = 5000, kWidth = 7;
  const std::vector<float> values = RandomValues(kRows * (kWidth + 1), 9);
  Tensor<double> y({kRows, kWidth});
  std::vector<double> weights;
  std::copy_n(values.begin(), y.size(), y.data());
  for (int64_t r = 0; r < kRows; ++r)
    weights.push_back(1 + std::abs(double{values[static_cast<size_t>(y.size() + r)]}));
  ThreadPool pool(2);
  EXPECT_EQ(Orthonormalize(y.view(), weights, pool), kWidth);
  const Tensor<double> gram = Gram(y.cview(), y.cview(), weights, pool);
  for (int64_t i = 0; i < kWidth; ++i) {
    for (int64_t j = 0; j < kWidth; ++j) {
      double sum = 0;
      for (int64_t r = 0; r < kRows; ++r)
        sum += y.row(r)[i] * weights[static_cast<size_t>(r)] * y.row(r)[j];
      EXPECT_NEAR(sum, i == j ? 1 : 0, 1e-13) << i << " " << j;
      EXPECT_NEAR(gram.row(i)[j], sum, 1e-13) << i << " " << j;
    }
  }
}

TEST(TallSkinny, OrthonormalizeDropsColumnsThatDependOnOthers) {
  constexpr int64_t kRows = 300, kWidth = 6;
  std::vector<float> y = RandomValues(kRows * kWidth, 8);
  for (size_t r = 0; r < kRows; ++r) y[r * kWidth + 3] = y[r * kWidth] - 2 * y[r * kWidth + 1];
  ThreadPool pool(1);
  const TensorView<float> view(y.data(), {kRows, kWidth});
  EXPECT_EQ(Orthonormalize(view, 2, pool), 5);
  const Tensor<double> gram = Gram(view, pool);
  for (int64_t i = 0; i < kWidth; ++i)
    for (int64_t j = 0; j < kWidth; ++j)
      EXPECT_NEAR(gram.row(i)[j], i == j && i != 3 ? 1 : 0, 64 * kEps) << i << " " << j;
}

}  // namespace
}  // namespace quadhop
