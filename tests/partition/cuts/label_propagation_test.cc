#include "partition/cuts/label_propagation.h"

#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <utility>
#include <vector>

#include "core/base/rng.h"
#include "tests/partition/cuts/cut_testing.h"

namespace quadhop {
namespace {

using Level = TopologyLevel<uint32_t>;

// SweepLabels by plain loops.
void SweepPlainly(const Level& graph, uint64_t seed, MoveLimits& limits,
                  std::vector<uint32_t>& labels) {
  const auto fits = [&](uint32_t label, const Weights& weights) {
    const Weights both = Plus(limits.used[label], weights);
    return both[0] <= limits.most[0] && both[1] <= limits.most[1] && both[2] <= limits.most[2];
  };
  for (uint64_t round = 0; round < 16; ++round) {
    std::map<int64_t, uint32_t> moves;
    for (int64_t v = 0; v < graph.num_nodes(); ++v) {
      if (Mix64(seed ^ static_cast<uint64_t>(v)) % 16 != round) continue;
      const uint32_t own = labels[static_cast<size_t>(v)];
      std::map<uint32_t, int64_t> votes;
      graph.ForEachNeighbor(v,
                            [&](int64_t u, int64_t) { ++votes[labels[static_cast<size_t>(u)]]; });
      int64_t most = votes[own];
      for (const auto& [label, sum] : votes)
        if (sum > most && fits(label, graph.weights(v))) most = sum;
      uint64_t best_rank = 0;
      for (const auto& [label, sum] : votes) {
        const uint64_t rank = Mix64(seed ^ Mix64(static_cast<uint64_t>(v)) ^ label);
        if (most == votes[own] || sum < most || rank < best_rank) continue;
        if (!fits(label, graph.weights(v))) continue;
        moves[v] = label;
        best_rank = rank;
      }
    }
    for (const auto& [v, label] : moves) {
      if (!fits(label, graph.weights(v))) continue;
      limits.Move(graph.weights(v), labels[static_cast<size_t>(v)], label);
      labels[static_cast<size_t>(v)] = label;
    }
  }
}

void ExpectSweepsAsPlainly(const TestGraph& test_graph, const Weights& most) {
  const Level graph(test_graph.indptr, test_graph.indices, {});
  std::vector<uint32_t> alone(static_cast<size_t>(graph.num_nodes()));
  std::iota(alone.begin(), alone.end(), 0u);
  MoveLimits start;
  start.most = most;
  for (int64_t v = 0; v < graph.num_nodes(); ++v) start.used.push_back(graph.weights(v));

  std::vector<uint32_t> expected = alone;
  MoveLimits expected_limits = start;
  for (const uint64_t seed : {1u, 2u}) SweepPlainly(graph, seed, expected_limits, expected);
  for (const int num_threads : {1, 3, 16}) {
    ThreadPool pool(num_threads);
    std::vector<uint32_t> labels = alone;
    MoveLimits limits = start;
    for (const uint64_t seed : {1u, 2u})
      SweepLabels(graph, seed, pool, limits, absl::MakeSpan(labels));
    EXPECT_EQ(labels, expected) << num_threads << " threads";
    EXPECT_EQ(limits.used, expected_limits.used) << num_threads << " threads";
  }
}

TEST(SweepLabels, MovesNodesAsPlainLoopsDo) {
  ExpectSweepsAsPlainly(RandomGraph(3000, 12000, false, 1), {40, 400, 1});
  ExpectSweepsAsPlainly(RandomGraph(3000, 200000, false, 2), {1000, 1000000, 1});
}

// Of the first round, a hub chooses among more labels than a worker's table of votes may hold.
TEST(SweepLabels, MovesHubsAndTheirNeighborsAsPlainLoopsDo) {
  constexpr uint32_t kNodes = 120000;
  RandomStream random(1, RandomPurpose::kTest, 0, 0);
  TestArcs arcs;
  int hubs = 0;
  for (uint32_t hub = 0; hubs < 3; ++hub) {
    if (Mix64(1 ^ uint64_t{hub}) % 16 != 0) continue;
    ++hubs;
    for (uint32_t v = 0; v < kNodes; ++v)
      if (v != hub) arcs.emplace_back(hub, v);
  }
  for (uint32_t i = 0; i < kNodes; ++i)
    arcs.emplace_back(random.Below(kNodes / 2), kNodes / 2 + random.Below(kNodes / 2));
  ExpectSweepsAsPlainly(GraphOf(kNodes, std::move(arcs)), {50, 10 * kNodes, 1});
}

}  // namespace
}  // namespace quadhop
