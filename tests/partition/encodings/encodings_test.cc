// The encoders that have figures to be held against: dense powers, known spectra, planted groups.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/base/rng.h"
#include "partition/encodings/encoder.h"
#include "partition/encodings/laplacian_eigenvectors.h"
#include "partition/encodings/link_auc.h"
#include "partition/linear_algebra/standardize.h"
#include "tests/partition/store_testing.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

absl::StatusOr<Tensor<float>> EncodingOf(const TestGraph& graph, const char* method, int64_t dim,
                                         bool directed = false) {
  ThreadPool pool(2);
  std::vector<int64_t> keys(static_cast<size_t>(graph.num_nodes()));
  std::iota(keys.begin(), keys.end(), int64_t{0});
  Tensor<float> out({graph.num_nodes(), dim});
  QH_ASSIGN_OR_RETURN(const EncodingMethod* const encoding, FindEncoder(method));
  QH_RETURN_IF_ERROR(
      encoding->encode({graph.topology(), directed, keys, 1, 0, "", pool}, out.view()));
  StandardizeColumns(out.view(), MeasureColumns(out.cview(), pool), pool);
  return out;
}

TestArcs RingEdges(uint32_t n) {
  TestArcs edges;
  for (uint32_t v = 0; v < n; ++v) edges.emplace_back(v, (v + 1) % n);
  return edges;
}

// `count` cliques of `size` nodes, each joined to the next by an edge.
TestGraph Cliques(uint32_t count, uint32_t size) {
  TestArcs edges;
  for (uint32_t c = 0; c < count; ++c) {
    for (uint32_t u = 0; u < size; ++u)
      for (uint32_t v = 0; v < u; ++v) edges.emplace_back(c * size + u, c * size + v);
    if (c > 0) edges.emplace_back(c * size, c * size - 1);
  }
  return GraphOf(count * size, edges);
}

TEST(LaplacianEigenvectors, OfARingHaveItsEigenvaluesAscending) {
  constexpr int64_t kNodes = 60, kDim = 7;
  ASSERT_OK_AND_ASSIGN(const Tensor<float> x,
                       EncodingOf(GraphOf(kNodes, RingEdges(kNodes)), "laplacian", kDim));
  for (int64_t j = 0; j < kDim; ++j) {
    // Every eigenvalue 1 - cos(2 pi k / n), k >= 1, is there twice.
    const double k = static_cast<double>(j / 2 + 1);
    const double expected = 1 - std::cos(2 * std::numbers::pi * k / kNodes);
    double form = 0, norm = 0;
    for (int64_t v = 0; v < kNodes; ++v) {
      const double here = double{x.row(v)[j]}, next = double{x.row((v + 1) % kNodes)[j]};
      form += (here - next) * (here - next) / 2;
      norm += here * here;
    }
    EXPECT_NEAR(form / norm, expected, 1e-5) << "column " << j;
  }
}

// That of column k - 1 of a path's encodings with D^1/2 cos(pi k i / (N - 1)), its eigenvector of
// eigenvalue 1 - cos(pi k / (N - 1)).
double CorrelationWithCosine(const Tensor<float>& x, int64_t k) {
  const int64_t last = x.dim(0) - 1;
  double sum = 0, square = 0, product = 0;
  for (int64_t i = 0; i <= last; ++i) {
    const double degree = i == 0 || i == last ? 1 : 2;
    const double exact =
        std::sqrt(degree) * std::cos(std::numbers::pi * static_cast<double>(k) *
                                     static_cast<double>(i) / static_cast<double>(last));
    sum += exact;
    square += exact * exact;
    product += exact * double{x.row(i)[k - 1]};
  }
  const auto n = static_cast<double>(x.dim(0));  // x is standardised
  return std::abs(product) / std::sqrt(n * (square - sum * sum / n));
}

TestGraph Path(uint32_t n) {
  TestArcs edges;
  for (uint32_t v = 1; v < n; ++v) edges.emplace_back(v - 1, v);
  return GraphOf(n, edges);
}

TEST(LaplacianEigenvectors, OfALongPathAreItsCosines) {
  ASSERT_OK_AND_ASSIGN(const Tensor<float> x, EncodingOf(Path(3000), "laplacian", 8));
  // Of a residual of 1e-4 l, where the next eigenvalue is at 0.2 l or further, 5e-4 are of others.
  for (int64_t k = 1; k <= 8; ++k)
    EXPECT_GT(CorrelationWithCosine(x, k), 1 - 5e-4 * 5e-4) << "column " << k - 1;
}

TEST(LaplacianEigenvectors, AreAllThereOfAGraphWithHardlyMoreNodesThanColumns) {
  for (const uint32_t nodes : {72u, 73u}) {
    ASSERT_OK_AND_ASSIGN(const Tensor<float> x, EncodingOf(Path(nodes), "laplacian", 64));
    for (int64_t k = 1; k <= 64; ++k)
      EXPECT_GT(CorrelationWithCosine(x, k), 1 - 1e-6) << nodes << " nodes, column " << k - 1;
  }
}

TEST(LaplacianEigenvectors, OfATorusHaveItsEigenvalues) {
  constexpr uint32_t kSide = 100;
  constexpr int64_t kDim = 12;
  TestArcs edges;
  std::vector<double> expected;  // 1 - (cos(2 pi a / n) + cos(2 pi b / n)) / 2
  for (uint32_t a = 0; a < kSide; ++a) {
    for (uint32_t b = 0; b < kSide; ++b) {
      edges.emplace_back(a * kSide + b, a * kSide + (b + 1) % kSide);
      edges.emplace_back(a * kSide + b, (a + 1) % kSide * kSide + b);
      const double turn = 2 * std::numbers::pi / kSide;
      expected.push_back(1 - (std::cos(turn * a) + std::cos(turn * b)) / 2);
    }
  }
  std::sort(expected.begin(), expected.end());
  ASSERT_OK_AND_ASSIGN(const Tensor<float> x,
                       EncodingOf(GraphOf(kSide * kSide, edges), "laplacian", kDim));
  for (int64_t j = 0; j < kDim; ++j) {
    double form = 0, norm = 0;  // every edge once, of degree 4
    for (const auto& [u, v] : edges) {
      const double difference = double{x.row(u)[j]} - double{x.row(v)[j]};
      form += difference * difference / 4;
    }
    for (int64_t v = 0; v < x.dim(0); ++v) norm += double{x.row(v)[j]} * double{x.row(v)[j]};
    const double exact = expected[static_cast<size_t>(j) + 1];
    EXPECT_NEAR(form / norm, exact, 1e-6 * exact) << "column " << j;
  }
}

TEST(LaplacianEigenvectors, DoNotTellComponentsApartByConstants) {
  // Rings of 40 and 60, and five nodes without edges.
  TestArcs edges = RingEdges(60);
  for (const auto& [u, v] : RingEdges(40)) edges.emplace_back(60 + u, 60 + v);
  ASSERT_OK_AND_ASSIGN(const Tensor<float> x, EncodingOf(GraphOf(105, edges), "laplacian", 6));
  // Eigenvalues 1 - cos(2 pi k / n), twice each: n / k is 60, 40, 30.
  for (int64_t j = 0; j < 6; ++j) {
    double large = 0, small = 0, alone = 0;
    for (int64_t v = 0; v < 105; ++v)
      (v < 60 ? large : v < 100 ? small : alone) += double{x.row(v)[j]} * double{x.row(v)[j]};
    EXPECT_NEAR(large, j / 2 == 1 ? 0 : 105, 1e-3) << "column " << j;
    EXPECT_NEAR(small, j / 2 == 1 ? 105 : 0, 1e-3) << "column " << j;
    EXPECT_NEAR(alone, 0, 1e-3) << "column " << j;
  }
}

TEST(LaplacianEigenvectors, SayWhereTheWorkAllowedDoesNotGetThere) {
  const TestGraph graph = Path(3000);
  ThreadPool pool(2);
  std::vector<int64_t> keys(3000);
  std::iota(keys.begin(), keys.end(), int64_t{0});
  Tensor<float> out({3000, 8});
  std::string note;
  const EncoderInput input = {graph.topology(), false, keys, 1, 0, "", pool, &note};
  ASSERT_OK(LaplacianEigenvectorsWithin(100, input, out.view()));
  EXPECT_THAT(note,
              testing::StartsWith("8 of 8 columns are not eigenvectors: |L v - l v| is up to "));
  note.clear();
  ASSERT_OK(LaplacianEigenvectors(input, out.view()));
  EXPECT_EQ(note, "");
}

TEST(LaplacianEigenvectors, AreOrthogonalToEachOther) {
  ASSERT_OK_AND_ASSIGN(const Tensor<float> x, EncodingOf(Cliques(12, 6), "laplacian", 9));
  // Of cliques the first eigenvector is nearly constant, so that columns stay orthogonal when they
  // are standardised.
  for (int64_t i = 0; i < 9; ++i)
    for (int64_t j = 0; j < i; ++j) {
      double product = 0;
      for (int64_t v = 0; v < 72; ++v) product += double{x.row(v)[i]} * double{x.row(v)[j]};
      EXPECT_LT(std::abs(product) / 72, 0.05) << i << " and " << j;
    }
}

TEST(LaplacianEigenvectors, RefusesMoreColumnsThanAGraphHasNodesFor) {
  EXPECT_THAT(EncodingOf(GraphOf(20, RingEdges(20)), "laplacian", 16).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       testing::HasSubstr("lower --dim to 12 or less")));
  EXPECT_THAT(EncodingOf(GraphOf(8, RingEdges(8)), "laplacian", 1).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       testing::HasSubstr("needs 9 nodes, there are 8: use another method")));
  TestArcs pairs;
  for (uint32_t v = 0; v < 60; v += 2) pairs.emplace_back(v, v + 1);
  EXPECT_THAT(EncodingOf(GraphOf(60, pairs), "laplacian", 24).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       testing::HasSubstr("needs 32 nodes, there are 31 beside one of each further "
                                          "component: lower --dim to 23 or less")));
}

// Diagonals of (D^-1 A)^k, k = 2, 3, ...  [N, dim]
Tensor<float> ExactReturns(const TestGraph& graph, int64_t dim) {
  const auto n = static_cast<size_t>(graph.num_nodes());
  std::vector<double> power(n * n, 0.0);
  for (size_t v = 0; v < n; ++v) power[v * n + v] = 1;
  Tensor<float> out({graph.num_nodes(), dim});
  for (int64_t k = 1; k <= dim + 1; ++k) {
    std::vector<double> next(n * n, 0.0);
    for (size_t v = 0; v < n; ++v) {
      const auto degree = static_cast<double>(graph.indptr[v + 1] - graph.indptr[v]);
      for (auto e = static_cast<size_t>(graph.indptr[v]);
           e < static_cast<size_t>(graph.indptr[v + 1]); ++e)
        for (size_t u = 0; u < n; ++u) next[v * n + u] += power[graph.indices[e] * n + u] / degree;
    }
    power = next;
    if (k >= 2)
      for (int64_t v = 0; v < graph.num_nodes(); ++v)
        out.row(v)[k - 2] =
            static_cast<float>(power[static_cast<size_t>(v) * n + static_cast<size_t>(v)]);
  }
  return out;
}

// How like each other column j of both is: the second has mean 0 and variance 1.
double CorrelationOf(const Tensor<float>& expected, const Tensor<float>& actual, int64_t j) {
  const auto n = static_cast<double>(expected.dim(0));
  double mean = 0, square = 0, product = 0;
  for (int64_t v = 0; v < expected.dim(0); ++v) {
    const double p = double{expected.row(v)[j]};
    mean += p / n;
    square += p * p / n;
    product += p * double{actual.row(v)[j]} / n;
  }
  return product / std::sqrt(square - mean * mean);
}

// A ring with a tail and two chords: nodes of several kinds.
TestArcs RingWithATail() {
  TestArcs edges = RingEdges(12);
  edges.insert(edges.end(), {{0, 2}, {5, 9}, {11, 12}, {12, 13}});
  return edges;
}

TEST(ReturnProbabilities, AreThoseOfPowersOfTheWalk) {
  const TestGraph graph = GraphOf(14, RingWithATail());
  constexpr int64_t kDim = 6;
  const Tensor<float> expected = ExactReturns(graph, kDim);
  ASSERT_OK_AND_ASSIGN(const Tensor<float> actual, EncodingOf(graph, "rwse", kDim));
  EXPECT_GT(CorrelationOf(expected, actual, 0), 1 - 1e-6) << "exact after two steps";
  for (int64_t j = 1; j < kDim; ++j)
    EXPECT_GT(CorrelationOf(expected, actual, j), 0.95) << "after " << j + 2 << " steps";
}

// Eight hubs of 3000 neighbours each, of which more and more are joined in pairs: after three steps
// the walk of a hub with a share f of such is back with the probability f / 4.
TEST(ReturnProbabilities, OfHubsAreAsGoodAsSharesOfWalks) {
  constexpr uint32_t kHubs = 8, kNeighbors = 3000;
  TestArcs edges;
  for (uint32_t hub = 0; hub < kHubs; ++hub)
    for (uint32_t i = 0; i < kNeighbors; ++i) {
      const uint32_t leaf = kHubs + hub * kNeighbors + i;
      edges.emplace_back(hub, leaf);
      if (i % 2 == 1 && i < kNeighbors * hub / kHubs) edges.emplace_back(leaf - 1, leaf);
    }
  const TestGraph graph = GraphOf(kHubs * (kNeighbors + 1), edges);
  ASSERT_OK_AND_ASSIGN(const Tensor<float> actual, EncodingOf(graph, "rwse", 2));
  // Of hubs alone, so that their differences count, not that to the leaves.
  double mean = 0, mean_f = 0, square = 0, square_f = 0, product = 0;
  for (int64_t hub = 0; hub < kHubs; ++hub) {
    const double value = double{actual.row(hub)[1]}, f = static_cast<double>(hub) / kHubs;
    mean += value / kHubs;
    mean_f += f / kHubs;
    square += value * value / kHubs;
    square_f += f * f / kHubs;
    product += value * f / kHubs;
  }
  const double correlation =
      (product - mean * mean_f) / std::sqrt((square - mean * mean) * (square_f - mean_f * mean_f));
  // f / 4 has a deviation of 0.07 among hubs, a share of 256 walks one of 0.02 for the same hub.
  EXPECT_GT(correlation, 0.88);
}

// The share of 256 walks of each node that are back, p, has a variance of p (1 - p) / 256.
TEST(ReturnProbabilities, OfADirectedGraphAreSharesOfWalks) {
  TestArcs arcs = RingWithATail();
  arcs.insert(arcs.end(), {{1, 0}, {4, 2}, {9, 5}, {9, 7}, {13, 11}, {13, 0}});
  const TestGraph graph = GraphOf(14, arcs, /*directed=*/true);
  constexpr int64_t kDim = 6;
  const Tensor<float> expected = ExactReturns(graph, kDim);
  ASSERT_OK_AND_ASSIGN(const Tensor<float> actual,
                       EncodingOf(graph, "rwse", kDim, /*directed=*/true));
  for (int64_t j = 0; j < kDim; ++j) {
    double mean = 0, square = 0, noise = 0;
    for (int64_t v = 0; v < graph.num_nodes(); ++v) {
      const double p = double{expected.row(v)[j]};
      mean += p / 14;
      square += p * p / 14;
      noise += p * (1 - p) / 256 / 14;
    }
    const double variance = square - mean * mean;
    EXPECT_GT(CorrelationOf(expected, actual, j), std::sqrt(variance / (variance + noise)) - 0.1)
        << "after " << j + 2 << " steps";
  }
}

// 400 nodes with 2 to 20 neighbours: probabilities near 0.1, of which a share of 256 walks has a
// standard deviation of 0.02, more than nodes differ by.
TEST(ReturnProbabilities, TellNodesOfARandomGraphApart) {
  constexpr uint32_t kNodes = 400;
  constexpr int64_t kDim = 4;
  RandomStream random(1, RandomPurpose::kTest, 0, 0);
  std::set<std::pair<uint32_t, uint32_t>> edges;
  for (uint32_t v = 0; v < kNodes; ++v)
    for (uint32_t i = 0; i < 1 + v % 7; ++i) {
      const auto u = static_cast<uint32_t>(random.Below(kNodes));
      if (u != v) edges.emplace(std::min(u, v), std::max(u, v));
    }
  const TestGraph graph = GraphOf(kNodes, TestArcs(edges.begin(), edges.end()));
  const Tensor<float> expected = ExactReturns(graph, kDim);
  ASSERT_OK_AND_ASSIGN(const Tensor<float> actual, EncodingOf(graph, "rwse", kDim));
  for (int64_t j = 0; j < kDim; ++j)
    EXPECT_GT(CorrelationOf(expected, actual, j), 0.9) << "after " << j + 2 << " steps";
}

TEST(Node2Vec, PutsNodesOfACliqueTogetherAndCliquesApart) {
  const TestGraph graph = Cliques(20, 10);
  ASSERT_OK_AND_ASSIGN(const Tensor<float> rows, EncodingOf(graph, "node2vec", 16));
  EXPECT_GT(LinkAuc(graph.topology(), rows.cview(), 3), 0.97);
}

TEST(LinkAuc, IsOneWhereOnlyArcsHaveEqualRowsAndAHalfWhereRowsSayNothing) {
  constexpr int64_t kCliques = 40, kSize = 5;
  const TestGraph graph = Cliques(kCliques, kSize);
  Tensor<float> known({graph.num_nodes(), kCliques}), equal({graph.num_nodes(), 3});
  for (int64_t v = 0; v < graph.num_nodes(); ++v) known.row(v)[v / kSize] = 1;
  equal.Fill(1);
  // Of 439 edges 39 join cliques; of random pairs one in 40 is in a clique.
  EXPECT_NEAR(LinkAuc(graph.topology(), known.cview(), 1), 1 - (39.0 / 439 + 1.0 / 40) / 2, 0.01);
  EXPECT_DOUBLE_EQ(LinkAuc(graph.topology(), equal.cview(), 1), 0.5);
}

}  // namespace
}  // namespace quadhop
