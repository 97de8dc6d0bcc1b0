// One suite for all partitioners. Under mpirun it is that of PT-Scotch, each rank with the same.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "partition/cuts/partitioner.h"
#include "tests/partition/cuts/cut_testing.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

using testing::AllOf;
using testing::Each;
using testing::Ge;
using testing::HasSubstr;
using testing::Le;

class AnyPartitioner : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const auto partitioner = MakePartitioner(GetParam());
    if (absl::IsUnavailable(partitioner.status())) GTEST_SKIP() << partitioner.status();
  }
  absl::StatusOr<std::vector<int32_t>> Cut(const PartitionProblem& problem, int num_threads = 1) {
    return CutOnRanks(GetParam(), problem, num_threads);
  }
};

TEST_P(AnyPartitioner, MakesEvenParts) {
  const TestGraph graph = RandomGraph(2000, 8000, false, 1);
  std::vector<uint8_t> train(2000);
  for (size_t v = 0; v < 400; ++v) train[v] = 1;
  ASSERT_OK_AND_ASSIGN(const auto part_of, Cut({graph.topology(), train, 5, 0, 0.1}));
  EXPECT_THAT(Sizes(part_of, 5), Each(AllOf(Ge(200), Le(441))));
  EXPECT_THAT(Sizes(part_of, 5, train), Each(AllOf(Ge(40), Le(89))));
}

// Ranks wait for the one that trains on most nodes.
TEST_P(AnyPartitioner, MakesTrainingNodesEvenToAboutAPercentWhateverTheRest) {
  const TestGraph graph = RandomGraph(20000, 60000, false, 1);
  std::vector<uint8_t> train(20000);
  for (size_t v = 0; v < 6000; ++v) train[v] = 1;
  ASSERT_OK_AND_ASSIGN(const auto part_of, Cut({graph.topology(), train, 4, 0, 0.1}));
  EXPECT_THAT(Sizes(part_of, 4, train), Each(Le(1516)));
}

// The hub has as many arcs as four parts; all else can be even.
TEST_P(AnyPartitioner, MakesEvenPartsAroundAHub) {
  const TestGraph graph = StarGraph(20000);
  std::vector<uint8_t> train(20000);
  for (size_t v = 0; v < 12000; ++v) train[v] = 1;
  ASSERT_OK_AND_ASSIGN(const auto part_of, Cut({graph.topology(), train, 8, 0, 0.05}));
  EXPECT_THAT(Sizes(part_of, 8), Each(AllOf(Ge(1000), Le(2625))));
  EXPECT_THAT(Sizes(part_of, 8, train), Each(Le(1515)));
}

// Parts with hubs have too many arcs, the others too many nodes: no node fits anywhere as it is.
TEST_P(AnyPartitioner, MakesEvenPartsOfSkewedDegrees) {
  constexpr uint32_t kNodes = 20000;
  RandomStream random(1, RandomPurpose::kTest, 0, 0);
  TestArcs arcs;
  for (int i = 0; i < 150000; ++i) {
    // Zipf's law: densities of 1 / rank
    const auto a = static_cast<uint32_t>(std::pow(kNodes, random.Uniform())) - 1;
    const auto b = static_cast<uint32_t>(random.Below(kNodes));
    if (a != b) arcs.emplace_back(a, b);
  }
  const TestGraph graph = GraphOf(kNodes, std::move(arcs));
  std::vector<uint8_t> train(kNodes);
  for (size_t v = 0; v < kNodes; ++v) train[v] = v % 5 < 3;
  ASSERT_OK_AND_ASSIGN(const auto part_of, Cut({graph.topology(), train, 8, 0, 0.05}));
  std::vector<int64_t> arcs_of(8);
  for (size_t v = 0; v < kNodes; ++v)
    arcs_of[static_cast<size_t>(part_of[v])] += graph.indptr[v + 1] - graph.indptr[v];
  EXPECT_THAT(Sizes(part_of, 8), Each(Le(2625)));
  EXPECT_THAT(Sizes(part_of, 8, train), Each(Le(1515)));
  if (std::string(GetParam()) == "hash") return;  // which knows of no arcs
  EXPECT_THAT(arcs_of, Each(Le(static_cast<int64_t>(graph.indices.size()) * 105 / 800 + 1)));
}

TEST_P(AnyPartitioner, IsAFunctionOfTheProblem) {
  const TestGraph graph = RandomGraph(500, 2000, false, 2);
  ASSERT_OK_AND_ASSIGN(const auto first, Cut({graph.topology(), {}, 4, 9, 0.05}, 1));
  ASSERT_OK_AND_ASSIGN(const auto second, Cut({graph.topology(), {}, 4, 9, 0.05}, 3));
  ASSERT_OK_AND_ASSIGN(const auto other_seed, Cut({graph.topology(), {}, 4, 10, 0.05}));
  EXPECT_EQ(first, second);
  EXPECT_NE(first, other_seed);
}

TEST_P(AnyPartitioner, LeavesNoPartEmpty) {
  const TestGraph cliques = CliqueChain(2, 5);
  for (const int32_t parts : {1, 2, 7, 10}) {
    ASSERT_OK_AND_ASSIGN(const auto part_of, Cut({cliques.topology(), {}, parts, 0, 0.05}));
    EXPECT_THAT(Sizes(part_of, parts), Each(Ge(1))) << parts;
  }
}

TEST_P(AnyPartitioner, CutsAGraphWithoutArcs) {
  const TestGraph graph = GraphOf(12, {});
  ASSERT_OK_AND_ASSIGN(const auto part_of, Cut({graph.topology(), {}, 4, 0, 0.05}));
  EXPECT_THAT(Sizes(part_of, 4), Each(3));
}

TEST_P(AnyPartitioner, RefusesMorePartsThanNodes) {
  const TestGraph graph = CliqueChain(2, 5);
  EXPECT_THAT(Cut({graph.topology(), {}, 11, 0, 0.05}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("1 to 10")));
  EXPECT_THAT(Cut({graph.topology(), {}, 0, 0, 0.05}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("parts is 0")));
}

TEST_P(AnyPartitioner, RefusesAnImbalanceOutOfRange) {
  const TestGraph graph = CliqueChain(2, 5);
  EXPECT_THAT(Cut({graph.topology(), {}, 2, 0, 0}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("imbalance is 0")));
}

// Those of this program: of ranks that cut together under mpirun, else of one process.
std::vector<const char*> Methods() {
  if (!RankBackends().front().ranks_are_threads) return {"ptscotch"};
  return {"metis", "multilevel", "stream", "hash"};
}

INSTANTIATE_TEST_SUITE_P(Methods, AnyPartitioner, testing::ValuesIn(Methods()),
                         [](const auto& parameter) { return parameter.param; });

}  // namespace
}  // namespace quadhop
