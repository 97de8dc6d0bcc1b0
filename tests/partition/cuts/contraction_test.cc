#include "partition/cuts/contraction.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "tests/partition/store_testing.h"

namespace quadhop {
namespace {

using Pair = std::pair<uint32_t, uint32_t>;

// Node v in cluster v % count.
Clusters InTurn(int64_t num_nodes, int64_t count) {
  Clusters clusters;
  clusters.count = count;
  for (int64_t v = 0; v < num_nodes; ++v) clusters.of.push_back(static_cast<uint32_t>(v % count));
  return clusters;
}

// Arcs between clusters, by plain loops.
std::map<Pair, int64_t> WeightsOf(const TestGraph& graph, const Clusters& clusters) {
  std::map<Pair, int64_t> weights;
  for (size_t v = 0; v < clusters.of.size(); ++v)
    for (auto e = static_cast<size_t>(graph.indptr[v]);
         e < static_cast<size_t>(graph.indptr[v + 1]); ++e) {
      const Pair pair(clusters.of[v], clusters.of[graph.indices[e]]);
      if (pair.first != pair.second) ++weights[pair];
    }
  return weights;
}

std::map<Pair, int64_t> WeightsOf(const WeightedGraph& graph) {
  std::map<Pair, int64_t> weights;
  for (int64_t v = 0; v < graph.num_nodes(); ++v)
    graph.ForEachNeighbor(v, [&](int64_t u, int64_t weight) {
      weights[{static_cast<uint32_t>(v), static_cast<uint32_t>(u)}] = weight;
    });
  return weights;
}

int64_t Total(const std::map<Pair, int64_t>& weights) {
  int64_t total = 0;
  for (const auto& [pair, weight] : weights) total += weight;
  return total;
}

class ContractTest : public testing::Test {
 protected:
  WeightedGraph Contracted(const ContractOptions& options, int num_threads = 2) const {
    ThreadPool pool(num_threads);
    return Contract(
        TopologyLevel<uint32_t>(graph_.indptr, graph_.indices, absl::Span<const uint8_t>()),
        clusters_, options, pool);
  }

  TestGraph graph_ = RandomGraph(3000, 60000, false, 1);
  Clusters clusters_ = InTurn(3000, 200);
  std::map<Pair, int64_t> all_ = WeightsOf(graph_, clusters_);
};

TEST_F(ContractTest, SumsTheArcsBetweenClusters) {
  const WeightedGraph coarse = Contracted({});
  EXPECT_EQ(WeightsOf(coarse), all_);
  EXPECT_EQ(coarse.weights(7)[0], 15);  // nodes
}

TEST_F(ContractTest, LeavesSoManyArcsThatAreAllowedAndTheirWeightInAll) {
  for (const int64_t most_arcs : {int64_t{20000}, int64_t{8000}, int64_t{2000}}) {
    ASSERT_LT(most_arcs, static_cast<int64_t>(all_.size()));
    const WeightedGraph coarse = Contracted({true, most_arcs, 3});
    const std::map<Pair, int64_t> kept = WeightsOf(coarse);
    const int64_t least = std::min_element(kept.begin(), kept.end(), [](auto& a, auto& b) {
                            return a.second < b.second;
                          })->second;
    // A count of independent draws, two arcs each, is within four deviations of what is expected;
    // so is its product with the weight of each.
    const double deviation = 2 * std::sqrt(static_cast<double>(most_arcs) / 2);
    EXPECT_LT(static_cast<double>(kept.size()), static_cast<double>(most_arcs) + 4 * deviation);
    EXPECT_GT(static_cast<int64_t>(kept.size()), most_arcs / 2);
    EXPECT_TRUE(coarse.thinned);
    EXPECT_NEAR(static_cast<double>(Total(kept)), static_cast<double>(Total(all_)),
                4 * deviation * static_cast<double>(least));
    for (const auto& [pair, weight] : kept) {
      EXPECT_EQ(kept.at({pair.second, pair.first}), weight);
      EXPECT_EQ(weight, std::max(all_.at(pair), least)) << pair.first << " to " << pair.second;
    }
    for (const auto& [pair, weight] : all_)
      EXPECT_TRUE(weight < least || kept.count(pair) == 1) << "one of weight " << weight;
  }
}

// Both directions of each arc, weights of both summed.
std::map<Pair, int64_t> Symmetrized(const std::map<Pair, int64_t>& weights) {
  std::map<Pair, int64_t> both = weights;
  for (const auto& [pair, weight] : weights) both[{pair.second, pair.first}] += weight;
  return both;
}

TEST(Contract, AddsInversesToAGraphThatLacksThem) {
  const TestGraph graph = RandomGraph(3000, 60000, true, 1);
  const Clusters clusters = InTurn(3000, 200);
  const TopologyLevel<uint32_t> level(graph.indptr, graph.indices, {});
  const std::map<Pair, int64_t> expected = Symmetrized(WeightsOf(graph, clusters));
  ThreadPool pool(2);
  EXPECT_EQ(WeightsOf(Contract(level, clusters, {false}, pool)), expected);

  const std::map<Pair, int64_t> kept =
      WeightsOf(Contract(level, clusters, {false, 20000, 3}, pool));
  EXPECT_LT(kept.size(), 20000u);
  EXPECT_LT(kept.size(), expected.size());
  EXPECT_EQ(kept.count({0, 0}), 0u);
  for (const auto& [pair, weight] : kept) EXPECT_EQ(kept.at({pair.second, pair.first}), weight);
  EXPECT_NEAR(static_cast<double>(Total(kept)), static_cast<double>(Total(expected)),
              0.1 * static_cast<double>(Total(expected)));
}

TEST_F(ContractTest, DoesNotDependOnTheThreads) {
  EXPECT_EQ(WeightsOf(Contracted({true, 8000, 3}, 1)), WeightsOf(Contracted({true, 8000, 3}, 3)));
}

}  // namespace
}  // namespace quadhop
