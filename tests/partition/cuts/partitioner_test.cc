// What each partitioner promises besides any_partitioner_test.cc.
#include "partition/cuts/partitioner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "core/memory/host_memory.h"
#include "partition/cuts/isolated_nodes.h"
#include "partition/cuts/metis_graph.h"
#include "partition/cuts/symmetric_rows.h"
#include "tests/partition/cuts/cut_testing.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::Ge;
using testing::HasSubstr;
using testing::Le;

TEST(MakePartitioner, NamesTheMethodsItKnows) {
  EXPECT_THAT(MakePartitioner("spectral"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("metis, multilevel, ptscotch, stream or hash")));
}

TEST(HashPartitioner, IsEvenToOneNodeAndOneTrainingNode) {
  const TestGraph graph = RandomGraph(1001, 10, false, 1);
  std::vector<uint8_t> train(1001);
  for (size_t v = 0; v < 103; ++v) train[v] = 1;
  ThreadPool pool(1);
  ASSERT_OK_AND_ASSIGN(const auto part_of,
                       MakeHashPartitioner()->Cut({graph.topology(), train, 7, 0, 0.05}, pool));
  EXPECT_THAT(Sizes(part_of, 7), Each(143));
  EXPECT_THAT(Sizes(part_of, 7, train), Each(AllOf(Ge(14), Le(15))));
}

class MetisPartitioner : public testing::Test {
 protected:
  void SetUp() override {
    auto partitioner = MakeMetisPartitioner();
    if (absl::IsUnavailable(partitioner.status())) GTEST_SKIP() << partitioner.status();
    partitioner_ = *std::move(partitioner);
  }
  ThreadPool pool_{1};
  std::unique_ptr<Partitioner> partitioner_;
};

TEST_F(MetisPartitioner, CutsTheOneEdgeBetweenTwoCliques) {
  const TestGraph graph = CliqueChain(2, 12);
  ASSERT_OK_AND_ASSIGN(const auto part_of,
                       partitioner_->Cut({graph.topology(), {}, 2, 0, 0.05}, pool_));
  EXPECT_EQ(CutArcs(graph, part_of), 2);  // an edge is two arcs
  EXPECT_THAT(Sizes(part_of, 2), ElementsAre(12, 12));
}

// In a ring every node has 2 arcs out, or 4 arcs: the weights are in the same proportion.
TEST_F(MetisPartitioner, CutsADirectedGraphAsIfUndirected) {
  TestArcs arcs;
  for (uint32_t v = 0; v < 200; ++v)
    for (uint32_t step : {1u, 2u}) arcs.emplace_back(v, (v + step) % 200);
  const TestGraph directed = GraphOf(200, arcs, true), undirected = GraphOf(200, arcs);
  ASSERT_OK_AND_ASSIGN(const auto part_of,
                       partitioner_->Cut({directed.topology(), {}, 4, 0, 0.05}, pool_));
  ASSERT_OK_AND_ASSIGN(const auto expected,
                       partitioner_->Cut({undirected.topology(), {}, 4, 0, 0.05}, pool_));
  EXPECT_EQ(part_of, expected);
}

TEST_F(MetisPartitioner, BalancesTrainingNodesThatStandTogether) {
  const TestGraph graph = CliqueChain(40, 10);
  std::vector<uint8_t> train(400);
  std::fill_n(train.begin(), 200, uint8_t{1});
  ASSERT_OK_AND_ASSIGN(const auto part_of,
                       partitioner_->Cut({graph.topology(), train, 2, 0, 0.1}, pool_));
  EXPECT_THAT(Sizes(part_of, 2, train), Each(AllOf(Ge(90), Le(110))));
  EXPECT_LT(CutArcs(graph, part_of), 100);  // of 3678
}

// Node 2 v of the graph of twice the nodes is node v of this one; between them stand isolated ones.
TEST_F(MetisPartitioner, CutsAGraphAmongIsolatedNodesAsIfAlone) {
  const TestGraph graph = PlantedCliques();
  TestArcs arcs;
  for (uint32_t v = 0; v + 1 < graph.indptr.size(); ++v)
    for (int64_t e = graph.indptr[v]; e < graph.indptr[v + 1]; ++e)
      arcs.emplace_back(2 * v, 2 * graph.indices[static_cast<size_t>(e)]);
  const int64_t num_nodes = 2 * (static_cast<int64_t>(graph.indptr.size()) - 1);
  const TestGraph among = GraphOf(num_nodes, std::move(arcs));
  std::vector<uint8_t> train(static_cast<size_t>(num_nodes));
  for (size_t v = 1; v < train.size(); v += 4) train[v] = 1;  // isolated ones alone
  ASSERT_OK_AND_ASSIGN(const auto alone,
                       partitioner_->Cut({graph.topology(), {}, 6, 3, 0.05}, pool_));
  ASSERT_OK_AND_ASSIGN(const auto part_of,
                       partitioner_->Cut({among.topology(), train, 6, 3, 0.05}, pool_));
  EXPECT_EQ(CutArcs(among, part_of), CutArcs(graph, alone));
  EXPECT_THAT(Sizes(part_of, 6), Each(num_nodes / 6));
  EXPECT_THAT(Sizes(part_of, 6, train), Each(num_nodes / 4 / 6));
}

TEST_F(MetisPartitioner, DealsOutAGraphOfFewerLinkedNodesThanParts) {
  const TestGraph graph = GraphOf(400, {{7, 300}, {300, 12}});
  ASSERT_OK_AND_ASSIGN(const auto part_of,
                       partitioner_->Cut({graph.topology(), {}, 4, 0, 0.05}, pool_));
  EXPECT_THAT(Sizes(part_of, 4), Each(100));
}

TEST_F(MetisPartitioner, RefusesGraphsBeyond32Bits) {
  // Nothing reads the arcs that are not there.
  const std::vector<int64_t> indptr = {0, 1, int64_t{1} << 31};
  EXPECT_THAT(partitioner_->Cut({{indptr, {}, {}}, {}, 2, 0, 0.05}, pool_),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("2^31")));
}

TEST_F(MetisPartitioner, RefusesGraphsThatMemoryDoesNotHold) {
  ASSERT_OK_AND_ASSIGN(const int64_t available_bytes, AvailableMemoryBytes());
  const int64_t arcs = (int64_t{1} << 31) - 2;
  if (available_bytes > MetisBytes(2, arcs))
    GTEST_SKIP() << "this machine has memory for 2^31 arcs";
  const std::vector<int64_t> indptr = {0, 1, arcs};
  EXPECT_THAT(partitioner_->Cut({{indptr, {}, {}}, {}, 2, 0, 0.05}, pool_),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("METIS")));
}

// What a partitioner cuts of them.
int64_t CutOfCliques(const char* method, int num_threads, std::vector<int32_t>* part_of = nullptr) {
  const TestGraph graph = PlantedCliques();
  ThreadPool pool(num_threads);
  const auto cut = (*MakePartitioner(method))->Cut({graph.topology(), {}, 6, 3, 0.05}, pool);
  EXPECT_OK(cut);
  if (part_of != nullptr) *part_of = *cut;
  return CutArcs(graph, *cut);
}

TEST(MultilevelPartitioner, CutsAboutAsFewArcsAsMetis) {
  if (absl::IsUnavailable(MakePartitioner("metis").status())) GTEST_SKIP() << "no METIS";
  EXPECT_LE(CutOfCliques("multilevel", 2), 1.15 * static_cast<double>(CutOfCliques("metis", 2)));
}

TEST(MultilevelPartitioner, DoesNotDependOnTheThreads) {
  if (absl::IsUnavailable(MakePartitioner("metis").status())) GTEST_SKIP() << "no METIS";
  std::vector<int32_t> one, three;
  CutOfCliques("multilevel", 1, &one);
  CutOfCliques("multilevel", 3, &three);
  EXPECT_EQ(one, three);
}

// 30,000 nodes in 6 groups that four fifths of some 600,000 arcs stay in.
TestGraph PlantedGroups() {
  constexpr uint32_t kNodes = 30000, kGroups = 6;
  RandomStream random(6, RandomPurpose::kTest, 0, 0);
  TestArcs arcs;
  for (uint32_t v = 0; v < kNodes; ++v)
    for (int i = 0; i < 10; ++i) {
      const auto u = static_cast<uint32_t>(random.Below(kNodes));
      const uint32_t own = u / kGroups * kGroups + v % kGroups;
      const uint32_t to = random.Below(5) > 0 ? own : u;
      if (to != v) arcs.emplace_back(v, to);
    }
  return GraphOf(kNodes, std::move(arcs));
}

TEST(MultilevelPartitioner, CutsAsWellWhereMemoryHoldsAPartOfTheArcsBetweenClusters) {
  if (absl::IsUnavailable(MakePartitioner("metis").status())) GTEST_SKIP() << "no METIS";
  const TestGraph graph = PlantedGroups();
  ThreadPool pool(2);
  // The median of seeds: METIS misses the groups of a thin graph now and then.
  const auto cut_within = [&](int64_t memory_bytes) {
    std::vector<double> cuts;
    for (uint64_t seed = 0; seed < 5; ++seed) {
      const auto cut = MakeMultilevelPartitioner()->Cut(
          {graph.topology(), {}, 6, seed, 0.05, memory_bytes}, pool);
      EXPECT_OK(cut);
      cuts.push_back(static_cast<double>(CutArcs(graph, *cut)));
    }
    std::sort(cuts.begin(), cuts.end());
    return cuts[2];
  };
  const double whole = cut_within(int64_t{1} << 30);
  EXPECT_LE(whole, 0.25 * static_cast<double>(graph.indices.size()));
  for (const int64_t mebibytes : {50, 47})
    EXPECT_LE(cut_within(mebibytes << 20), 1.05 * whole) << mebibytes << " MiB";
  ThreadPool alone(1);
  const PartitionProblem tight = {graph.topology(), {}, 6, 3, 0.05, int64_t{47} << 20};
  EXPECT_EQ(*MakeMultilevelPartitioner()->Cut(tight, alone),
            *MakeMultilevelPartitioner()->Cut(tight, pool));
  for (const int64_t kibibytes : {36000, 33500, 33200, 32800, 1000})
    EXPECT_THAT(MakeMultilevelPartitioner()
                    ->Cut({graph.topology(), {}, 6, 3, 0.05, kibibytes << 10}, pool)
                    .status(),
                StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("raise --memory")))
        << kibibytes << " KiB";
}

TEST(StreamPartitioner, CutsFarFewerArcsThanAHash) {
  EXPECT_LT(CutOfCliques("stream", 1), CutOfCliques("hash", 1) / 2);
}

TEST(ChoosePartitioner, TakesMultilevelWhereMetisDoesNotFit) {
  const TestGraph graph = CliqueChain(10, 10);
  const auto num_arcs = static_cast<int64_t>(graph.indices.size());
  const int64_t needed = MetisBytes(100, num_arcs), with_inverses = MetisBytes(100, 2 * num_arcs);
  EXPECT_EQ(*ChoosePartitioner({graph.topology(), {}, 2, 0, 0.05, needed}), "metis");
  EXPECT_EQ(*ChoosePartitioner({graph.topology(), {}, 2, 0, 0.05, needed - 1}), "multilevel");
  // The inverses of a directed graph's arcs, which METIS is handed too.
  for (const auto& [bytes, method] :
       {std::pair(with_inverses, "metis"), std::pair(with_inverses - 1, "multilevel")})
    EXPECT_EQ(*ChoosePartitioner({graph.topology(), {}, 2, 0, 0.05, bytes, true}), method);
}

TEST(MostMetisArcs, AreThoseThatFit) {
  for (const int64_t num_nodes : {10, 1000, 100000})
    for (const int64_t num_bytes : {999, 1000000, 123456789}) {
      const int64_t most = MostMetisArcs(num_nodes, num_bytes);
      if (most > 0) {
        EXPECT_LE(MetisBytes(num_nodes, most), num_bytes);
      }
      EXPECT_GT(MetisBytes(num_nodes, most + 1), num_bytes);
    }
}

TEST(MetisGraph, AddsInversesOnce) {
  const TestGraph graph = GraphOf(4, {{0, 1}, {1, 0}, {1, 2}, {3, 0}}, true);
  ThreadPool pool(1);
  EXPECT_FALSE(IsSymmetric(graph.topology(), pool));
  const MetisGraph metis = MetisGraph::Of({graph.topology(), {}, 2, 0, 0.05}, false);
  EXPECT_THAT(metis.xadj, ElementsAre(0, 2, 4, 5, 6));
  EXPECT_THAT(metis.adjncy, ElementsAre(1, 3, 0, 2, 1, 0));
}

TEST(MetisGraph, WeighsNodesArcsAndTrainingNodes) {
  const TestGraph graph = GraphOf(3, {{0, 1}});
  ThreadPool pool(1);
  EXPECT_TRUE(IsSymmetric(graph.topology(), pool));
  const std::vector<uint8_t> train = {0, 0, 1};
  EXPECT_THAT(MetisGraph::Of({graph.topology(), {}, 2, 0, 0.05}, true).weights,
              ElementsAre(1, 1, 0, 1, 1, 0, 1, 0, 0));
  EXPECT_THAT(MetisGraph::Of({graph.topology(), train, 2, 0, 0.05}, true).weights,
              ElementsAre(1, 1, 0, 1, 1, 0, 1, 0, 1));
}

TEST(PutLinkedFirst, KeepsTheOrderOfEitherKind) {
  MetisGraph graph;
  graph.xadj = {0, 0, 1, 1, 3, 4};
  graph.adjncy = {3, 1, 4, 3};
  graph.arc_weights = {5, 5, 6, 6};
  graph.weights = {1, 0, 0, 1, 1, 0, 1, 0, 1, 1, 2, 0, 1, 3, 0};
  const LinkedFirst order = PutLinkedFirst(graph);
  EXPECT_EQ(order.num_linked, 3);
  EXPECT_THAT(order.old_of_new, ElementsAre(1, 3, 4, 0, 2));
  EXPECT_THAT(graph.xadj, ElementsAre(0, 1, 3, 4, 4, 4));
  EXPECT_THAT(graph.adjncy, ElementsAre(1, 0, 2, 1));
  EXPECT_THAT(graph.arc_weights, ElementsAre(5, 5, 6, 6));
  EXPECT_THAT(graph.weights, ElementsAre(1, 1, 0, 1, 2, 0, 1, 3, 0, 1, 0, 0, 1, 0, 1));
}

// Nodes 0 and 1 have parts.
TEST(DealOut, GivesTheHeaviestFirstToThePartThatHoldsLeast) {
  MetisGraph graph;
  graph.xadj.assign(8, 0);
  graph.weights = {1, 0, 4, 1, 0, 1, 1, 0, 2, 1, 0, 3, 9, 0, 0, 1, 0, 0, 1, 0, 0};
  std::vector<int32_t> part_of = {0, 1, -1, -1, -1, -1, -1};
  DealOut(graph, 2, 2, absl::MakeSpan(part_of));
  // By training nodes: 3 to part 1 (4 | 1), then 2 to part 0 (4 | 4). By nodes: 4 to part 0 (2 |
  // 2), then the others to part 1.
  EXPECT_THAT(part_of, ElementsAre(0, 1, 0, 1, 0, 1, 1));
}

}  // namespace
}  // namespace quadhop
