#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "core/base/rng.h"
#include "partition/cuts/even_parts.h"
#include "partition/cuts/partitioner.h"
#include "tests/partition/cuts/cut_testing.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

using Level = TopologyLevel<uint32_t>;

double Score(const Weights& used, const Weights& weights, const Weights& most, int64_t neighbors) {
  double fullest = 0;
  for (size_t b = 0; b < kBalances; ++b)
    if (most[b] > 0 && weights[b] > 0)
      fullest = std::max(fullest,
                         static_cast<double>(used[b] + weights[b]) / static_cast<double>(most[b]));
  const double free = 1 - fullest;
  return free < 0 ? free - 1 : static_cast<double>(neighbors) * free + 1e-3 * free;
}

// The cut, scoring every part for every node.
std::vector<int32_t> StreamPlainly(const PartitionProblem& problem) {
  const Level graph(problem.topology.indptr, problem.topology.indices32, problem.train);
  const Weights most = MostOfAPart(graph, problem);
  const auto num_nodes = static_cast<size_t>(graph.num_nodes());
  std::vector<int32_t> part_of(num_nodes, -1);
  std::vector<Weights> used(static_cast<size_t>(problem.parts));
  const uint64_t first = StreamKey(problem.seed, RandomPurpose::kPartition, 3, 0) % num_nodes;
  for (int pass = 0; pass < 5; ++pass)
    for (size_t i = 0; i < num_nodes; ++i) {
      const size_t v = (first + i) % num_nodes;
      const Weights weights = graph.weights(static_cast<int64_t>(v));
      if (part_of[v] >= 0) {
        Weights& left = used[static_cast<size_t>(part_of[v])];
        left = Plus(left, weights, -1);
      }
      std::vector<int64_t> votes(used.size());
      graph.ForEachNeighbor(static_cast<int64_t>(v), [&](int64_t u, int64_t) {
        const int32_t part = part_of[static_cast<size_t>(u)];
        if (part >= 0) ++votes[static_cast<size_t>(part)];
      });
      size_t best = 0;
      for (size_t part = 1; part < used.size(); ++part)
        if (Score(used[part], weights, most, votes[part]) >
            Score(used[best], weights, most, votes[best]))
          best = part;
      part_of[v] = static_cast<int32_t>(best);
      used[best] = Plus(used[best], weights);
    }
  return part_of;
}

TEST(StreamPartitioner, CutsAsIfEveryPartWereScored) {
  std::vector<TestGraph> graphs = {RandomGraph(3000, 12000, false, 1),
                                   RandomGraph(3000, 2000, true, 2), PlantedCliques(),
                                   CliqueChain(40, 20), StarGraph(2000)};
  ThreadPool pool(1);
  int compared = 0;
  for (size_t g = 0; g < graphs.size(); ++g) {
    std::vector<uint8_t> train(static_cast<size_t>(graphs[g].num_nodes()));
    for (size_t v = 0; v < train.size(); ++v) train[v] = v % 7 < 2 || v < train.size() / 10;
    for (const int32_t parts : {1, 2, 8, 37, 130, 200, 300})
      for (const double imbalance : {0.001, 0.05, 1.0})
        for (const bool with_train : {false, true}) {
          const PartitionProblem problem = {
              graphs[g].topology(),
              with_train ? absl::MakeConstSpan(train) : absl::Span<const uint8_t>(), parts, g + 5,
              imbalance};
          const std::vector<int32_t> expected =
              EvenedOut(problem, false, StreamPlainly(problem), pool);
          // Else a node is moved into each part that is empty.
          if (testing::Value(Sizes(expected, parts), testing::Contains(0))) continue;
          ASSERT_OK_AND_ASSIGN(const auto part_of, MakeStreamPartitioner()->Cut(problem, pool));
          ASSERT_EQ(part_of, expected)
              << "graph " << g << ", " << parts << " parts, imbalance " << imbalance;
          ++compared;
        }
  }
  EXPECT_GT(compared, 150);  // of 210
}

}  // namespace
}  // namespace quadhop
