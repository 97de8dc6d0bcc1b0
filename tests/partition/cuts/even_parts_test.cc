#include "partition/cuts/even_parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/partition/cuts/cut_testing.h"

namespace quadhop {
namespace {

using testing::Each;
using testing::Le;

std::vector<uint32_t> Evened(const PartitionProblem& problem, std::vector<uint32_t> part_of,
                             int num_threads = 1) {
  ThreadPool pool(num_threads);
  const TopologyLevel<uint32_t> graph(problem.topology.indptr, problem.topology.indices32,
                                      problem.train);
  MoveLimits limits = LimitsOfParts(graph, problem, part_of);
  EvenOut(graph, problem.seed, pool, limits, absl::MakeSpan(part_of));
  EXPECT_EQ(limits.used, LimitsOfParts(graph, problem, part_of).used);
  return part_of;
}

std::vector<int64_t> Held(const std::vector<uint32_t>& part_of, int32_t parts,
                          const std::vector<uint8_t>& weights = {}) {
  return Sizes({part_of.begin(), part_of.end()}, parts, weights);
}

TEST(EvenOut, LeavesEvenPartsAlone) {
  const TestGraph graph = RandomGraph(100, 400, false, 1);
  std::vector<uint32_t> part_of(100);
  for (size_t v = 0; v < 100; ++v) part_of[v] = v % 4;
  EXPECT_EQ(Evened({graph.topology(), {}, 4, 0, 0.5}, part_of), part_of);
}

TEST(EvenOut, MovesWhatCostsLeast) {
  // Cliques of 10; part 0 has three of them, part 1 one and the nodes that hang on nothing.
  TestGraph graph = CliqueChain(4, 10);
  for (int i = 0; i < 4; ++i) graph.indptr.push_back(graph.indptr.back());
  std::vector<uint32_t> part_of(44, 0);
  for (size_t v = 30; v < 40; ++v) part_of[v] = 1;
  const std::vector<uint32_t> evened = Evened({graph.topology(), {}, 2, 0, 0.5}, part_of);
  // 44 / 2 * 1.5 = 33 nodes a part: an isolated one goes, and no clique is cut for it.
  EXPECT_THAT(Held(evened, 2), Each(Le(33)));
  EXPECT_EQ(CutArcs(graph, {evened.begin(), evened.end()}), 2);
}

TEST(EvenOut, ExchangesNodesWhereEveryPartHasTooMuchOfSomething) {
  const TestGraph graph = RandomGraph(400, 1600, false, 3);
  std::vector<uint8_t> train(400);
  std::vector<uint32_t> part_of(400, 1);
  for (size_t v = 0; v < 120; ++v) part_of[v] = 0;  // few nodes,
  for (size_t v = 0; v < 100; ++v) train[v] = 1;    // and all that train
  const PartitionProblem problem{graph.topology(), train, 2, 0, 0.1};
  const std::vector<uint32_t> evened = Evened(problem, part_of);
  EXPECT_THAT(Held(evened, 2), Each(Le(221)));
  EXPECT_THAT(Held(evened, 2, train), Each(Le(56)));
  EXPECT_EQ(Evened(problem, part_of, 3), evened);
}

}  // namespace
}  // namespace quadhop
