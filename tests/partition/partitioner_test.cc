// One suite for all partitioners, and what each promises besides.
#include "partition/cuts/partitioner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "core/rng.h"
#include "partition/cuts/metis_graph.h"
#include "partition/cuts/symmetric_rows.h"
#include "partition/memory.h"
#include "tests/partition/store_testing.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::Ge;
using testing::HasSubstr;
using testing::Le;

std::vector<int64_t> Sizes(const std::vector<int32_t>& part_of, int32_t parts,
                           const std::vector<uint8_t>& weights = {}) {
  std::vector<int64_t> sizes(static_cast<size_t>(parts));
  for (size_t v = 0; v < part_of.size(); ++v)
    sizes[static_cast<size_t>(part_of[v])] += weights.empty() ? 1 : weights[v];
  return sizes;
}

int64_t CutArcs(const TestGraph& graph, const std::vector<int32_t>& part_of) {
  int64_t cut = 0;
  for (size_t v = 0; v < part_of.size(); ++v)
    for (auto e = static_cast<size_t>(graph.indptr[v]);
         e < static_cast<size_t>(graph.indptr[v + 1]); ++e)
      cut += part_of[v] != part_of[graph.indices[e]];
  return cut;
}

// Cliques of `size` in a row, neighbours in it joined by one edge.
TestGraph CliqueChain(uint32_t cliques, uint32_t size, bool directed = false) {
  TestArcs arcs;
  for (uint32_t c = 0; c < cliques; ++c) {
    for (uint32_t a = 0; a < size; ++a)
      for (uint32_t b = a + 1; b < size; ++b) arcs.emplace_back(c * size + a, c * size + b);
    if (c > 0) arcs.emplace_back(c * size - 1, c * size);
  }
  return GraphOf(int64_t{cliques} * size, std::move(arcs), directed);
}

class AnyPartitioner : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    auto partitioner = MakePartitioner(GetParam());
    if (absl::IsUnavailable(partitioner.status())) GTEST_SKIP() << partitioner.status();
    ASSERT_OK(partitioner);
    partitioner_ = *std::move(partitioner);
  }
  absl::StatusOr<std::vector<int32_t>> Cut(const PartitionProblem& problem, int num_threads = 1) {
    ThreadPool pool(num_threads);
    return partitioner_->Cut(problem, pool);
  }
  std::unique_ptr<Partitioner> partitioner_;
};

TEST_P(AnyPartitioner, MakesEvenParts) {
  const TestGraph graph = RandomGraph(2000, 8000, false, 1);
  std::vector<uint8_t> train(2000);
  for (size_t v = 0; v < 400; ++v) train[v] = 1;
  ASSERT_OK_AND_ASSIGN(const auto part_of, Cut({graph.topology(), train, 5, 0, 0.1}));
  EXPECT_THAT(Sizes(part_of, 5), Each(AllOf(Ge(200), Le(441))));
  EXPECT_THAT(Sizes(part_of, 5, train), Each(AllOf(Ge(40), Le(89))));
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

INSTANTIATE_TEST_SUITE_P(Methods, AnyPartitioner,
                         testing::Values("metis", "multilevel", "stream", "hash"),
                         [](const auto& parameter) { return parameter.param; });

TEST(MakePartitioner, NamesTheMethodsItKnows) {
  EXPECT_THAT(
      MakePartitioner("spectral"),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("metis, multilevel, stream or hash")));
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

TEST_F(MetisPartitioner, RefusesGraphsBeyond32Bits) {
  // Nothing reads the arcs that are not there.
  const std::vector<int64_t> indptr = {0, 1, int64_t{1} << 31};
  EXPECT_THAT(partitioner_->Cut({{indptr, {}, {}}, {}, 2, 0, 0.05}, pool_),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("2^31")));
}

TEST_F(MetisPartitioner, RefusesGraphsThatMemoryDoesNotHold) {
  ASSERT_OK_AND_ASSIGN(const int64_t available_bytes, AvailableMemoryBytes());
  const int64_t arcs = (int64_t{1} << 31) - 2;
  if (available_bytes > kMetisBytesPerArc * arcs)
    GTEST_SKIP() << "this machine has memory for 2^31 arcs";
  const std::vector<int64_t> indptr = {0, 1, arcs};
  EXPECT_THAT(partitioner_->Cut({{indptr, {}, {}}, {}, 2, 0, 0.05}, pool_),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("METIS")));
}

// What a partitioner cuts of a graph of 60 planted cliques, each in the middle of a few random
// arcs.
int64_t CutOfCliques(const char* method, int num_threads, std::vector<int32_t>* part_of = nullptr) {
  constexpr uint32_t kCliques = 60, kSize = 25;
  TestArcs arcs;
  for (uint32_t c = 0; c < kCliques; ++c)
    for (uint32_t a = 0; a < kSize; ++a)
      for (uint32_t b = a + 1; b < kSize; ++b) arcs.emplace_back(c * kSize + a, c * kSize + b);
  RandomStream random(5, RandomPurpose::kTest, 0, 0);
  for (int i = 0; i < 1500; ++i)
    arcs.emplace_back(random.Below(kCliques * kSize / 2), 750 + random.Below(kCliques * kSize / 2));
  const TestGraph graph = GraphOf(kCliques * kSize, std::move(arcs));
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

TEST(StreamPartitioner, CutsFarFewerArcsThanAHash) {
  EXPECT_LT(CutOfCliques("stream", 1), CutOfCliques("hash", 1) / 2);
}

TEST(ChoosePartitioner, TakesMultilevelWhereMetisDoesNotFit) {
  const TestGraph graph = CliqueChain(10, 10);
  const auto num_arcs = static_cast<int64_t>(graph.indices.size());
  EXPECT_EQ(*ChoosePartitioner({graph.topology(), {}, 2, 0, 0.05, kMetisBytesPerArc * num_arcs}),
            "metis");
  EXPECT_EQ(
      *ChoosePartitioner({graph.topology(), {}, 2, 0, 0.05, kMetisBytesPerArc * num_arcs - 1}),
      "multilevel");
}

TEST(MetisGraph, AddsInversesOnce) {
  const TestGraph graph = GraphOf(4, {{0, 1}, {1, 0}, {1, 2}, {3, 0}}, true);
  ThreadPool pool(1);
  EXPECT_FALSE(IsSymmetric(graph.topology(), pool));
  const MetisGraph metis = MetisGraph::Of({graph.topology(), {}, 2, 0, 0.05}, false);
  EXPECT_THAT(metis.xadj, ElementsAre(0, 2, 4, 5, 6));
  EXPECT_THAT(metis.adjncy, ElementsAre(1, 3, 0, 2, 1, 0));
}

TEST(MetisGraph, HasNoConstraintThatIsAllZero) {
  const TestGraph graph = GraphOf(3, {{0, 1}});
  ThreadPool pool(1);
  EXPECT_TRUE(IsSymmetric(graph.topology(), pool));
  const std::vector<uint8_t> train = {0, 0, 1}, none = {0, 0, 0};
  EXPECT_THAT(MetisGraph::Of({graph.topology(), none, 2, 0, 0.05}, true).weights,
              ElementsAre(1, 1, 1, 1, 1, 0));
  EXPECT_THAT(MetisGraph::Of({graph.topology(), train, 2, 0, 0.05}, true).weights,
              ElementsAre(1, 1, 0, 1, 1, 0, 1, 0, 1));
}

}  // namespace
}  // namespace quadhop
