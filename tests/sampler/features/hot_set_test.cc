#include "sampler/features/hot_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

#include "tests/sampler/small_graph.h"

namespace quadhop {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kNodes = 150;

std::vector<GlobalId> EveryThird() {
  std::vector<GlobalId> nodes;
  for (int64_t v = 0; v < kNodes; v += 3) nodes.emplace_back(v);
  return nodes;
}

SamplerOptions Options(SamplerOptions::Method method) {
  SamplerOptions options;
  options.sampled_nodes = 8;
  options.method = method;
  return options;
}

// How often each node was in a sample of a training node, per epoch.
std::vector<double> DrawnOften(const Topology& topology, const SamplerOptions& options,
                               int64_t num_epochs) {
  const TwoHopSampler sampler(topology, options);
  TwoHopSampler::Scratch scratch;
  std::vector<GlobalId> sample(static_cast<size_t>(options.sampled_nodes));
  std::vector<double> drawn(kNodes);
  for (int64_t epoch = 1; epoch <= num_epochs; ++epoch)
    for (const GlobalId node : EveryThird()) {
      sampler.Sample(epoch, node, absl::MakeSpan(sample), scratch);
      // Pools smaller than the sample are repeated: a node counts once there, but a 1-hop entry and
      // a 2-hop entry of it are two.
      for (size_t i = 1; i < sample.size(); ++i)
        drawn[static_cast<size_t>(sample[i].value())] += 1.0 / static_cast<double>(num_epochs);
    }
  return drawn;
}

class ExpectedDrawsTest : public ::testing::TestWithParam<SamplerOptions::Method> {};

TEST_P(ExpectedDrawsTest, AreTheMeanOfManyEpochs) {
  const SmallGraph graph = RandomGraph(kNodes, 0.05, 1, 11);  // every pool has more than 7 members
  constexpr int64_t kEpochs = 4000;
  const SamplerOptions options = Options(GetParam());
  ThreadPool pool(2);
  const std::vector<float> expected =
      ExpectedDraws(graph.topology32(), options, EveryThird(), pool);
  const std::vector<double> drawn = DrawnOften(graph.topology32(), options, kEpochs);
  for (size_t v = 0; v < expected.size(); ++v) {
    // A sum of Bernoulli draws has variance below its mean; 5 of its standard deviations.
    const double bound = 5 * std::sqrt(static_cast<double>(expected[v]) / kEpochs) + 1e-6;
    EXPECT_NEAR(static_cast<double>(expected[v]), drawn[v], bound) << "node " << v;
  }
}

TEST_P(ExpectedDrawsTest, DoNotDependOnTheNumberOfThreads) {
  const SmallGraph graph = RandomGraph(kNodes, 0.05, 1, 12);
  ThreadPool one(1), three(3);
  const auto expected = ExpectedDraws(graph.topology64(), Options(GetParam()), EveryThird(), one);
  EXPECT_EQ(ExpectedDraws(graph.topology32(), Options(GetParam()), EveryThird(), three), expected);
}

INSTANTIATE_TEST_SUITE_P(Methods, ExpectedDrawsTest,
                         ::testing::Values(SamplerOptions::Method::kExact,
                                           SamplerOptions::Method::kPaths),
                         [](const auto& test) {
                           return test.param == SamplerOptions::Method::kExact ? "Exact" : "Paths";
                         });

TEST(ExpectedDraws, OfAPoolSmallerThanTheSampleAreItsWholePool) {
  const SmallGraph path({{1}, {0, 2}, {1}});
  ThreadPool pool(1);
  // The pool of node 0: 1 in one step; 0 and 2 in two.
  EXPECT_THAT(ExpectedDraws(path.topology32(), Options(SamplerOptions::Method::kExact),
                            {GlobalId(0)}, pool),
              ElementsAre(1, 1, 1));
}

TEST(ExpectedDraws, OfManyPathsAreEstimatedFromAPartOfTheNodes) {
  const SmallGraph graph = RandomGraph(kNodes, 0.1, 0, 13);
  ThreadPool pool(1);
  const SamplerOptions options = Options(SamplerOptions::Method::kExact);
  const auto sum = [](const std::vector<float>& draws) {
    double total = 0;
    for (const float d : draws) total += static_cast<double>(d);
    return total;
  };
  // Every training node draws 7 others, whatever part of them is looked at.
  const double all = sum(ExpectedDraws(graph.topology32(), options, EveryThird(), pool));
  const double part = sum(ExpectedDraws(graph.topology32(), options, EveryThird(), pool, 3000));
  EXPECT_NEAR(all, 7 * 50, 0.1);
  EXPECT_NEAR(part, all, 0.1);
}

TEST(HotSet, HoldsTheRemoteNodesMostExpected) {
  const std::vector<float> draws = {5, 0, 9, 9, 9, 3, 4, 4, 0};
  const HotSet hot = ChooseHotSet(draws, {2, 4}, 3, 1000000);
  EXPECT_THAT(hot.nodes, ElementsAre(GlobalId(0), GlobalId(4), GlobalId(6)));
  // So many steps that no step needs a row twice: (5 + 9 + 4) of (5 + 9 + 3 + 4 + 4) draws.
  EXPECT_NEAR(hot.expected_hit_rate, 18.0 / 25, 1e-4);
  // One step: node 4 is needed once, not 9 times.
  const double e[] = {1 - std::exp(-5.0), 1 - std::exp(-9.0), 1 - std::exp(-3.0),
                      1 - std::exp(-4.0)};
  EXPECT_NEAR(ChooseHotSet(draws, {2, 4}, 3, 1).expected_hit_rate,
              (e[0] + e[1] + e[3]) / (e[0] + e[1] + e[2] + 2 * e[3]), 1e-9);
}

TEST(HotSet, HoldsNoMoreThanIsExpectedOrAllowed) {
  const std::vector<float> draws = {5, 0, 9};
  EXPECT_THAT(ChooseHotSet(draws, {0, 0}, 10, 1).nodes, ElementsAre(GlobalId(0), GlobalId(2)));
  EXPECT_EQ(ChooseHotSet(draws, {0, 0}, 10, 1).expected_hit_rate, 1);
  EXPECT_THAT(ChooseHotSet(draws, {0, 0}, 0, 1).nodes, IsEmpty());
  EXPECT_EQ(ChooseHotSet(draws, {0, 3}, 10, 1).expected_hit_rate, 0);
}

}  // namespace
}  // namespace quadhop
