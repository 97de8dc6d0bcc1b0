#include "partition/linear_algebra/sparse_product.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "partition/linear_algebra/sparse_transpose.h"
#include "tests/partition/store_testing.h"

namespace quadhop {
namespace {

using testing::ElementsAre;
using testing::FloatNear;

constexpr float kEps = 0x1p-23f;

std::vector<float> NormalizedProduct(const TestGraph& graph, const std::vector<float>& x,
                                     int64_t width, int num_threads) {
  ThreadPool pool(num_threads);
  std::vector<float> y(x.size());
  const int64_t n = graph.num_nodes();
  NormalizedAdjacency(graph.topology(), pool)
      .Multiply(TensorView<const float>(x.data(), {n, width}),
                TensorView<float>(y.data(), {n, width}), pool);
  return y;
}

// D_col^-1/2 (A + I) D_row^-1/2 as a dense matrix, in double.
std::vector<double> DenseNormalized(const TestGraph& graph) {
  const auto n = static_cast<size_t>(graph.num_nodes());
  std::vector<double> a(n * n), row_sum(n, 1), col_sum(n, 1);
  for (size_t i = 0; i < n; ++i) {
    a[i * n + i] = 1;
    for (auto e = static_cast<size_t>(graph.indptr[i]);
         e < static_cast<size_t>(graph.indptr[i + 1]); ++e) {
      a[i * n + graph.indices[e]] = 1;
      row_sum[i] += 1;
      col_sum[graph.indices[e]] += 1;
    }
  }
  for (size_t i = 0; i < n; ++i)
    for (size_t j = 0; j < n; ++j) a[i * n + j] /= std::sqrt(col_sum[i] * row_sum[j]);
  return a;
}

void ExpectAsDense(const TestGraph& graph, int64_t width) {
  const auto n = static_cast<size_t>(graph.num_nodes()), f = static_cast<size_t>(width);
  const std::vector<double> a = DenseNormalized(graph);
  const std::vector<float> x = RandomValues(graph.num_nodes() * width, 3);
  const std::vector<float> y = NormalizedProduct(graph, x, width, 2);
  for (size_t i = 0; i < n; ++i) {
    for (size_t c = 0; c < f; ++c) {
      double sum = 0, size = 0;
      for (size_t j = 0; j < n; ++j) {
        sum += a[i * n + j] * double{x[j * f + c]};
        size += std::abs(a[i * n + j] * double{x[j * f + c]});
      }
      const auto terms = static_cast<double>(graph.indptr[i + 1] - graph.indptr[i] + 4);
      EXPECT_NEAR(y[i * f + c], sum, terms * double{kEps} * size) << "node " << i;
    }
  }
}

TEST(NormalizedAdjacency, IsTheDenseProductOnAnUndirectedGraph) {
  ExpectAsDense(RandomGraph(60, 200, false, 1), 5);
}

TEST(NormalizedAdjacency, IsTheDenseProductOnADirectedGraph) {
  ExpectAsDense(RandomGraph(60, 200, true, 2), 5);
}

// Row sums of A + I are 3, 2, 1, column sums 1, 2, 3.
TEST(NormalizedAdjacency, ScalesRowsByColumnSumsAndColumnsByRowSums) {
  const TestGraph graph = GraphOf(3, {{0, 1}, {0, 2}, {1, 2}}, true);
  const float tolerance = 8 * kEps;
  EXPECT_THAT(NormalizedProduct(graph, {1, 0, 0}, 1, 1),
              ElementsAre(FloatNear(0.57735027f, tolerance), 0, 0));
  EXPECT_THAT(NormalizedProduct(graph, {0, 1, 0}, 1, 1),
              ElementsAre(FloatNear(0.70710678f, tolerance), FloatNear(0.5f, tolerance), 0));
  EXPECT_THAT(NormalizedProduct(graph, {0, 0, 1}, 1, 1),
              ElementsAre(1, FloatNear(0.70710678f, tolerance), FloatNear(0.57735027f, tolerance)));
}

TEST(NormalizedAdjacency, IsEqualInEveryDigitForAnyNumberOfThreads) {
  const TestGraph graph = RandomGraph(2000, 10000, true, 4);
  const std::vector<float> x = RandomValues(2000 * 33, 5);
  const std::vector<float> one = NormalizedProduct(graph, x, 33, 1);
  EXPECT_EQ(NormalizedProduct(graph, x, 33, 2), one);
  EXPECT_EQ(NormalizedProduct(graph, x, 33, 3), one);
}

TEST(NormalizedAdjacency, GivesTheSameDigitsWhereXMayBeScaled) {
  const TestGraph graph = RandomGraph(2000, 10000, true, 4);
  std::vector<float> x = RandomValues(2000 * 5, 5), y(2000 * 5);
  const std::vector<float> expected = NormalizedProduct(graph, x, 5, 1);
  ThreadPool pool(2);
  NormalizedAdjacency(graph.topology(), pool)
      .ScaleAndMultiply(TensorView<float>(x.data(), {2000, 5}),
                        TensorView<float>(y.data(), {2000, 5}), pool);
  EXPECT_EQ(y, expected);
}

TEST(NormalizedAdjacency, TakesWideIds) {
  const TestGraph graph = RandomGraph(50, 100, true, 6);
  const std::vector<int64_t> wide(graph.indices.begin(), graph.indices.end());
  const std::vector<float> x = RandomValues(50, 7);
  ThreadPool pool(1);
  std::vector<float> y(50);
  NormalizedAdjacency({graph.indptr, {}, wide}, pool)
      .Multiply(TensorView<const float>(x.data(), {50, 1}), TensorView<float>(y.data(), {50, 1}),
                pool);
  EXPECT_EQ(y, NormalizedProduct(graph, x, 1, 1));
}

// [ 2 0 3 ]
// [ 0 5 0 ]
TEST(SparseProduct, MultipliesValues) {
  const std::vector<int64_t> indptr = {0, 2, 3};
  const std::vector<uint32_t> indices = {0, 2, 1};
  const std::vector<float> values = {2, 3, 5}, x = {1, 10, 2, 20, 3, 30};
  std::vector<float> y(4);
  ThreadPool pool(1);
  Multiply(SparseMatrix{2, 3, indptr, indices, values}, {},
           TensorView<const float>(x.data(), {3, 2}), TensorView<float>(y.data(), {2, 2}), pool);
  EXPECT_THAT(y, ElementsAre(11, 110, 10, 100));
}

// A hub: terms of one sign, that a float which has grown to their sum hardly holds.
TEST(SparseProduct, IsAsPreciseForAMillionEntriesARowAsForOne) {
  constexpr int64_t kEntries = 3'000'000, kColumns = 1000;
  const std::vector<float> x = RandomValues(kColumns, 5);
  std::vector<float> positive;
  for (const float value : x) positive.push_back(0.1f + std::abs(value));
  std::vector<uint32_t> indices;
  double expected = 0;
  for (int64_t i = 0; i < kEntries; ++i) {
    indices.push_back(static_cast<uint32_t>(i * 7 % kColumns));
    expected += double{positive[indices.back()]};
  }
  const std::vector<int64_t> indptr = {0, kEntries};
  const std::vector<float> ones(kEntries, 1.0f);
  ThreadPool pool(1);
  for (const absl::Span<const float> values : {absl::Span<const float>(), absl::MakeSpan(ones)}) {
    float sum = 0;
    Multiply(SparseMatrix{1, kColumns, indptr, indices, values}, {},
             TensorView<const float>(positive.data(), {kColumns, 1}),
             TensorView<float>(&sum, {1, 1}), pool);
    EXPECT_NEAR(double{sum} / expected, 1, 1e-6);
  }
}

TEST(SparseTranspose, SwapsRowsAndColumns) {
  const std::vector<int64_t> indptr = {0, 2, 3, 5};
  const std::vector<uint32_t> indices = {0, 3, 1, 0, 3};
  const std::vector<float> values = {1, 2, 3, 4, 5};
  const OwnedSparseMatrix t = Transpose({3, 4, indptr, indices, values});
  EXPECT_EQ(t.num_rows, 4);
  EXPECT_EQ(t.num_cols, 3);
  EXPECT_THAT(t.indptr, ElementsAre(0, 2, 3, 3, 5));
  EXPECT_THAT(t.indices, ElementsAre(0, 2, 1, 0, 2));
  EXPECT_THAT(t.values, ElementsAre(1, 4, 3, 2, 5));
}

}  // namespace
}  // namespace quadhop
