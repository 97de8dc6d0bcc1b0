#include "sampler/samples/two_hop_sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>
#include <vector>

#include "core/threads/thread_pool.h"
#include "sampler/samples/entry_hash.h"
#include "tests/sampler/chi_squared.h"
#include "tests/sampler/small_graph.h"

namespace quadhop {
namespace {

using Method = SamplerOptions::Method;
using Resample = SamplerOptions::Resample;
using ::testing::Each;
using ::testing::ElementsAre;

std::vector<int64_t> SampleOf(const TwoHopSampler& sampler, int64_t epoch, int64_t node) {
  TwoHopSampler::Scratch scratch;
  std::vector<GlobalId> out(static_cast<size_t>(sampler.options().sampled_nodes));
  sampler.Sample(epoch, GlobalId(node), absl::MakeSpan(out), scratch);
  std::vector<int64_t> values;
  for (GlobalId id : out) values.push_back(id.value());
  return values;
}

std::vector<int64_t> NodesOf(const std::set<PoolEntry>& pool) {
  std::vector<int64_t> nodes;
  for (const auto& [hop, node] : pool) nodes.push_back(node);
  return nodes;
}

// Many paths to few nodes of a large graph: the first guess of a limit is far too low. Nodes [0,
// 30) point to [30, 90), those to [100, 200).
SmallGraph Funnel() {
  std::vector<std::vector<int64_t>> rows(9000);
  for (size_t v = 0; v < 90; ++v)
    for (int64_t u = v < 30 ? 30 : 100; u < (v < 30 ? 90 : 200); ++u) rows[v].push_back(u);
  return SmallGraph(rows);
}

// The definition, without any of the sampler's shortcuts: all entries, sorted by hash.
std::vector<int64_t> SampleByDefinition(const SmallGraph& graph, const SamplerOptions& options,
                                        int64_t epoch, int64_t node) {
  const uint64_t node_key = StreamKey(options.seed, RandomPurpose::kSample,
                                      static_cast<uint64_t>(epoch), static_cast<uint64_t>(node));
  std::vector<std::tuple<uint64_t, int64_t>> hashed;
  for (const auto& [hop, id] : PoolOf(graph, node))
    hashed.emplace_back(
        EntryHash(MakeEntryKey(node_key, static_cast<uint64_t>(hop)), static_cast<uint64_t>(id)),
        id);
  std::sort(hashed.begin(), hashed.end());
  std::vector<int64_t> sample = {node};
  for (size_t i = 0; sample.size() < static_cast<size_t>(options.sampled_nodes); ++i)
    sample.push_back(std::get<1>(hashed[i % hashed.size()]));
  return sample;
}

// 0 - 1, 0 - 3, 1 - 3, 1 - 2, 3 - 4: of node 0, nodes 1 and 3 are 1-hop and 2-hop entries, and 0
// itself is a 2-hop entry.
SmallGraph Kite() { return SmallGraph({{1, 3}, {0, 2, 3}, {1}, {0, 1, 4}, {3}}); }

// Outcomes: the multisets of sampled nodes over epochs.
std::map<std::vector<int64_t>, int64_t> CountSamples(const TwoHopSampler& sampler, int64_t node,
                                                     int64_t num_epochs) {
  std::map<std::vector<int64_t>, int64_t> counts;
  for (int64_t epoch = 1; epoch <= num_epochs; ++epoch) {
    std::vector<int64_t> sample = SampleOf(sampler, epoch, node);
    sample.erase(sample.begin());
    std::sort(sample.begin(), sample.end());
    ++counts[sample];
  }
  return counts;
}

// From another implementation of the formulas (in Python): runs must not change with the code, and
// a GPU must agree.
TEST(EntryHash, HasTheBitsOfItsFormula) {
  EXPECT_EQ(EntryHash(MakeEntryKey(StreamKey(0, RandomPurpose::kSample, 0, 0), 1), 0),
            0xF685889F9CEFEE50u);
  EXPECT_EQ(EntryHash(MakeEntryKey(StreamKey(7, RandomPurpose::kSample, 3, 12), 2), 999999),
            0xB46AA672182857CDu);
  EXPECT_EQ(EntryHash(MakeEntryKey(StreamKey(7, RandomPurpose::kSample, 3, 12), 1),
                      (uint64_t{5} << 32) + 17),
            0x2D06E9F3B4734531u);
}

// Two entries are both among the smallest 1/64 of hashes with probability 1/64^2, whatever their
// ids.
TEST(EntryHash, IsIndependentForNeighbouringIds) {
  constexpr int64_t kKeys = 2'000'000;
  constexpr uint32_t kLimit = (uint32_t{1} << 26) - 1;
  for (uint64_t distance : {1u, 2u, 255u, 65536u, 65537u, 1u << 20, 1u << 31}) {
    double hits = 0;
    for (uint64_t i = 0; i < kKeys; ++i) {
      const EntryKey key = MakeEntryKey(Mix64(distance << 32 ^ i), 2);
      hits += EntryHashUpper(key, 1000) <= kLimit && EntryHashUpper(key, 1000 + distance) <= kLimit;
    }
    const double expected = kKeys / 4096.0;
    EXPECT_LT(std::fabs(hits - expected), 4.5 * std::sqrt(expected)) << "distance " << distance;
  }
}

TEST(TwoHopSampler, PutsTheNodeItselfFirst) {
  const SmallGraph graph = Kite();
  for (Method method : {Method::kExact, Method::kPaths})
    for (int32_t k : {1, 2, 5}) {
      const TwoHopSampler sampler(graph.topology32(), {.sampled_nodes = k, .method = method});
      for (int64_t v = 0; v < 5; ++v) EXPECT_EQ(SampleOf(sampler, 1, v)[0], v);
    }
}

TEST(TwoHopSampler, ExactDrawsEverySubsetOfThePoolEquallyOften) {
  const SmallGraph graph = Kite();
  constexpr int64_t kEpochs = 40000;
  for (int32_t k : {2, 3, 4, 6}) {
    const TwoHopSampler sampler(graph.topology32(), {.sampled_nodes = k, .seed = 5});
    const std::vector<int64_t> pool = NodesOf(PoolOf(graph, 0));
    ASSERT_EQ(pool.size(), 7u);  // 1 and 3; 0, 1, 2, 3 and 4
    ExpectDrawnFrom(DrawProbabilities(pool, static_cast<size_t>(k) - 1),
                    CountSamples(sampler, 0, kEpochs), kEpochs);
  }
}

// Large enough that hashes are filtered by vectors, that a limit is guessed and that some guesses
// fail.
TEST(TwoHopSampler, ExactIncludesEveryEntryOfALargePoolEquallyOften) {
  const SmallGraph graph = RandomGraph(400, 0.05, 0, 3);
  constexpr int32_t kSampled = 9;
  constexpr int64_t kEpochs = 30000;
  const TwoHopSampler sampler(graph.topology32(), {.sampled_nodes = kSampled, .seed = 1});
  const std::set<PoolEntry> pool = PoolOf(graph, 7);
  std::map<int64_t, double> probability;  // of a place of the sample to hold the node
  for (const auto& [hop, node] : pool) probability[node] += 1.0 / static_cast<double>(pool.size());
  std::map<int64_t, int64_t> counts;
  std::map<int64_t, int64_t> first_counts;
  for (int64_t epoch = 1; epoch <= kEpochs; ++epoch) {
    const std::vector<int64_t> sample = SampleOf(sampler, epoch, 7);
    for (size_t i = 1; i < sample.size(); ++i) ++counts[sample[i]];
    ++first_counts[sample[1]];
  }
  // Draws of one sample exclude each other, which makes counts more even than the test supposes: it
  // holds the more.
  ExpectDrawnFrom(probability, counts, kEpochs * (kSampled - 1));
  ExpectDrawnFrom(probability, first_counts, kEpochs);
}

TEST(TwoHopSampler, ExactIsTheEntriesOfSmallestHash) {
  for (const SmallGraph& graph : {RandomGraph(30, 0.1, 0, 1), RandomGraph(300, 0.3, 3, 2),
                                  RandomGraph(900, 0.02, 2, 3), Funnel()}) {
    for (int32_t k : {2, 5, 20, 100, 700}) {
      const SamplerOptions options = {.sampled_nodes = k, .seed = 11};
      const TwoHopSampler narrow(graph.topology32(), options), wide(graph.topology64(), options);
      TwoHopSampler::Scratch scratch;  // one for all: what it learns must not change results
      std::vector<GlobalId> out(static_cast<size_t>(k));
      for (int64_t node = 0; node < 30; ++node) {
        if (graph.neighbours[static_cast<size_t>(node)].empty()) continue;
        const std::vector<int64_t> expected = SampleByDefinition(graph, options, 4, node);
        for (const TwoHopSampler* sampler : {&narrow, &wide}) {
          sampler->Sample(4, GlobalId(node), absl::MakeSpan(out), scratch);
          for (size_t i = 0; i < out.size(); ++i)
            ASSERT_EQ(out[i].value(), expected[i])
                << "K " << k << " node " << node << " place " << i;
        }
      }
    }
  }
}

TEST(TwoHopSampler, RepeatsASmallPoolInHashOrder) {
  const SmallGraph graph({{1, 2}, {3}, {}, {}});
  const TwoHopSampler sampler(graph.topology32(), {.sampled_nodes = 9});
  std::set<std::vector<int64_t>> orders;
  for (int64_t epoch = 1; epoch <= 200; ++epoch) {
    const std::vector<int64_t> sample = SampleOf(sampler, epoch, 0);
    for (size_t i = 4; i < sample.size(); ++i) EXPECT_EQ(sample[i], sample[i - 3]);
    orders.insert({sample[1], sample[2], sample[3]});
  }
  EXPECT_EQ(orders.size(), 6u);
  for (std::vector<int64_t> order : orders) {
    std::sort(order.begin(), order.end());
    EXPECT_THAT(order, ElementsAre(1, 2, 3));
  }
}

TEST(TwoHopSampler, PathsDrawsEverySubsetOfThePathsEquallyOften) {
  const SmallGraph graph = Kite();
  constexpr int64_t kEpochs = 40000;
  const std::vector<int64_t> ends = PathEndsOf(graph, 0);
  ASSERT_EQ(ends.size(), 8u);
  for (int32_t k : {2, 3, 5, 8}) {
    const TwoHopSampler sampler(graph.topology64(),
                                {.sampled_nodes = k, .method = Method::kPaths, .seed = 6});
    ExpectDrawnFrom(DrawProbabilities(ends, static_cast<size_t>(k) - 1),
                    CountSamples(sampler, 0, kEpochs), kEpochs);
  }
}

TEST(TwoHopSampler, PathsTakesAllOfASmallPoolAndRepeatsIt) {
  const SmallGraph graph = Kite();
  const TwoHopSampler sampler(graph.topology32(), {.sampled_nodes = 20, .method = Method::kPaths});
  const std::vector<int64_t> sample = SampleOf(sampler, 3, 0);
  std::vector<int64_t> first(sample.begin() + 1, sample.begin() + 9);
  for (size_t i = 9; i < sample.size(); ++i) EXPECT_EQ(sample[i], sample[i - 8]);
  std::sort(first.begin(), first.end());
  std::vector<int64_t> ends = PathEndsOf(graph, 0);
  std::sort(ends.begin(), ends.end());
  EXPECT_EQ(first, ends);
}

TEST(TwoHopSampler, DrawsFromTheGraphWhereThePoolIsEmpty) {
  const SmallGraph graph({{}, {0}, {0}, {0}, {0}, {0}});
  constexpr int64_t kEpochs = 20000;
  for (Method method : {Method::kExact, Method::kPaths}) {
    const TwoHopSampler sampler(graph.topology32(), {.sampled_nodes = 4, .method = method});
    ExpectDrawnFrom(DrawProbabilities({0, 1, 2, 3, 4, 5}, 3), CountSamples(sampler, 0, kEpochs),
                    kEpochs);
    const TwoHopSampler larger(graph.topology32(), {.sampled_nodes = 14, .method = method});
    const std::vector<int64_t> sample = SampleOf(larger, 1, 0);
    EXPECT_EQ(std::set<int64_t>(sample.begin() + 1, sample.begin() + 7).size(), 6u);
    for (size_t i = 7; i < sample.size(); ++i) EXPECT_EQ(sample[i], sample[i - 6]);
  }
}

TEST(TwoHopSampler, DrawsFromAGraphWithoutArcs) {
  const SmallGraph graph({{}, {}, {}});
  const TwoHopSampler sampler(graph.topology32(), {.sampled_nodes = 4});
  std::vector<int64_t> sample = SampleOf(sampler, 1, 2);
  EXPECT_EQ(sample[0], 2);
  std::sort(sample.begin() + 1, sample.end());
  EXPECT_EQ(std::vector<int64_t>(sample.begin() + 1, sample.end()),
            (std::vector<int64_t>{0, 1, 2}));
}

TEST(TwoHopSampler, FollowsOutArcsOnly) {
  const SmallGraph graph({{1}, {2}, {}, {0, 1, 2}, {3}});
  for (Method method : {Method::kExact, Method::kPaths})
    for (int64_t epoch = 1; epoch <= 100; ++epoch) {
      const TwoHopSampler sampler(graph.topology32(), {.sampled_nodes = 3, .method = method});
      std::vector<int64_t> sample = SampleOf(sampler, epoch, 0);
      std::sort(sample.begin(), sample.end());
      EXPECT_THAT(sample, ElementsAre(0, 1, 2));
      EXPECT_THAT(SampleOf(sampler, epoch, 1), ElementsAre(1, 2, 2));
    }
}

TEST(TwoHopSampler, CanSampleTheNodeItselfOverTwoSteps) {
  const SmallGraph graph({{1}, {0}});
  for (Method method : {Method::kExact, Method::kPaths}) {
    const TwoHopSampler sampler(graph.topology32(), {.sampled_nodes = 3, .method = method});
    std::vector<int64_t> sample = SampleOf(sampler, 1, 0);
    std::sort(sample.begin() + 1, sample.end());
    EXPECT_THAT(sample, ElementsAre(0, 0, 1));
  }
}

TEST(TwoHopSampler, IsTheSameForAnyNumberOfThreadsAndWidthOfIds) {
  const SmallGraph graph = RandomGraph(500, 0.04, 2, 9);
  for (Method method : {Method::kExact, Method::kPaths}) {
    const SamplerOptions options = {.sampled_nodes = 20, .method = method, .seed = 2};
    const TwoHopSampler wide(graph.topology64(), options), narrow(graph.topology32(), options);
    std::vector<GlobalId> expected(500 * 20);
    TwoHopSampler::Scratch scratch;
    for (int64_t v = 0; v < 500; ++v)
      wide.Sample(1, GlobalId(v), absl::MakeSpan(expected).subspan(static_cast<size_t>(v) * 20, 20),
                  scratch);
    for (int num_threads = 1; num_threads <= 4; ++num_threads) {
      ThreadPool pool(num_threads);
      std::vector<TwoHopSampler::Scratch> scratches(static_cast<size_t>(num_threads));
      std::vector<GlobalId> out(expected.size());
      pool.ParallelFor(500, [&](int64_t v, int worker) {
        narrow.Sample(1, GlobalId(v), absl::MakeSpan(out).subspan(static_cast<size_t>(v) * 20, 20),
                      scratches[static_cast<size_t>(worker)]);
      });
      EXPECT_EQ(out, expected) << num_threads << " threads";
    }
  }
}

TEST(TwoHopSampler, ResamplesEveryEpochOrOnce) {
  const SmallGraph graph = RandomGraph(500, 0.04, 0, 9);
  for (Method method : {Method::kExact, Method::kPaths}) {
    const TwoHopSampler every(graph.topology32(), {.sampled_nodes = 20, .method = method});
    const TwoHopSampler once(graph.topology32(),
                             {.sampled_nodes = 20, .method = method, .resample = Resample::kOnce});
    const TwoHopSampler other_seed(graph.topology32(),
                                   {.sampled_nodes = 20, .method = method, .seed = 1});
    EXPECT_NE(SampleOf(every, 1, 3), SampleOf(every, 2, 3));
    EXPECT_EQ(SampleOf(every, 1, 3), SampleOf(every, 1, 3));
    EXPECT_NE(SampleOf(every, 1, 3), SampleOf(other_seed, 1, 3));
    EXPECT_EQ(SampleOf(once, 1, 3), SampleOf(once, 2, 3));
    EXPECT_EQ(SampleOf(once, 1, 3), SampleOf(every, 0, 3));
  }
}

}  // namespace
}  // namespace quadhop
