// A cut by ranks together, under mpirun: each rank runs each test.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "partition/cuts/partitioner.h"
#include "tests/partition/cuts/cut_testing.h"
#include "tests/support/rank_backend.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

absl::StatusOr<std::vector<int32_t>> Cut(const PartitionProblem& problem) {
  return CutOnRanks("ptscotch", problem);
}

TEST(PtscotchPartitioner, CutsTheOneEdgeBetweenTwoCliques) {
  const TestGraph graph = CliqueChain(2, 12);
  ASSERT_OK_AND_ASSIGN(const auto part_of, Cut({graph.topology(), {}, 2, 0, 0.05}));
  EXPECT_EQ(CutArcs(graph, part_of), 2);
  EXPECT_THAT(Sizes(part_of, 2), ElementsAre(12, 12));
}

TEST(PtscotchPartitioner, CutsNoCliqueOfTheMany) {
  const TestGraph graph = PlantedCliques();
  ASSERT_OK_AND_ASSIGN(const auto part_of, Cut({graph.topology(), {}, 6, 3, 0.05}));
  EXPECT_LE(CutArcs(graph, part_of), 2 * 1500);  // the arcs that join no clique
  EXPECT_THAT(Sizes(part_of, 6), Each(testing::AllOf(testing::Ge(225), testing::Le(275))));
}

// In a ring every node has 2 arcs out, or 4: the weights are in the same proportion.
TEST(PtscotchPartitioner, CutsADirectedGraphAsIfUndirected) {
  TestArcs arcs;
  for (uint32_t v = 0; v < 200; ++v)
    for (uint32_t step : {1u, 2u}) arcs.emplace_back(v, (v + step) % 200);
  const TestGraph directed = GraphOf(200, arcs, true), undirected = GraphOf(200, arcs);
  ASSERT_OK_AND_ASSIGN(const auto part_of, Cut({directed.topology(), {}, 4, 0, 0.05}));
  ASSERT_OK_AND_ASSIGN(const auto expected, Cut({undirected.topology(), {}, 4, 0, 0.05}));
  EXPECT_EQ(part_of, expected);
}

TEST(PtscotchPartitioner, BalancesTrainingNodesThatStandTogether) {
  const TestGraph graph = CliqueChain(40, 10);
  std::vector<uint8_t> train(400);
  std::fill_n(train.begin(), 40, uint8_t{1});  // a part of them alone would be four times too heavy
  ASSERT_OK_AND_ASSIGN(const auto part_of, Cut({graph.topology(), train, 4, 0, 0.05}));
  EXPECT_THAT(Sizes(part_of, 4, train), Each(testing::Le(30)));
}

TEST(PtscotchPartitioner, GivesAllRanksTheSameCut) {
  const TestGraph graph = RandomGraph(3000, 12000, false, 7);
  ASSERT_OK_AND_ASSIGN(const auto mine, Cut({graph.topology(), {}, 5, 1, 0.05}));
  RankBackends().front().run(absl::Seconds(60), [&](Communicator& comm) {
    std::vector<int32_t> of_rank_0 = mine;
    ASSERT_OK(comm.Broadcast("cut", Rank(0),
                             absl::MakeSpan(reinterpret_cast<uint8_t*>(of_rank_0.data()),
                                            of_rank_0.size() * sizeof(int32_t))));
    EXPECT_EQ(mine, of_rank_0);
  });
}

TEST(PtscotchPartitioner, CutsAGraphSmallerThanTheRanks) {
  const TestGraph graph = GraphOf(2, {{0, 1}});
  ASSERT_OK_AND_ASSIGN(const auto part_of, Cut({graph.topology(), {}, 2, 0, 0.05}));
  EXPECT_THAT(Sizes(part_of, 2), ElementsAre(1, 1));
}

TEST(PtscotchPartitioner, CutsAGraphOfAHubAndLittleElse) {
  TestArcs arcs;
  for (uint32_t v = 1; v < 40; ++v) arcs.emplace_back(0, v);  // half of the arcs are in one row
  const TestGraph graph = GraphOf(40, std::move(arcs));
  ASSERT_OK_AND_ASSIGN(const auto part_of, Cut({graph.topology(), {}, 3, 0, 0.05}));
  EXPECT_THAT(Sizes(part_of, 3), Each(testing::Ge(1)));
}

TEST(PtscotchPartitioner, CutsAsManyNodesAsThereAreRanks) {
  const TestGraph graph = GraphOf(3, {{0, 1}, {1, 2}});
  ASSERT_OK_AND_ASSIGN(const auto part_of, Cut({graph.topology(), {}, 2, 0, 0.05}));
  EXPECT_THAT(Sizes(part_of, 2), Each(testing::Ge(1)));
}

TEST(PtscotchPartitioner, NeedsTheRanksOfAnMpiJob) {
  const auto five_threads = MakeThreadCommunicators(5, absl::Seconds(1));
  for (Communicator* ranks : {static_cast<Communicator*>(nullptr), five_threads.front().get()})
    EXPECT_THAT(MakePtscotchPartitioner(ranks),
                StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("mpirun -n RANKS")));
}

TEST(PtscotchPartitioner, RefusesGraphsThatMemoryDoesNotHold) {
  const TestGraph graph = CliqueChain(10, 10);
  EXPECT_THAT(Cut({graph.topology(), {}, 2, 0, 0.05, 1000}),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("PT-Scotch on 918 arcs")));
}

}  // namespace
}  // namespace quadhop
