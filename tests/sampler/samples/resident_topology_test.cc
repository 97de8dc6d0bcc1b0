#include "sampler/samples/resident_topology.h"

#include <gtest/gtest.h>

#include <vector>

#include "sampler/samples/two_hop_sampler.h"
#include "tests/sampler/small_graph.h"

namespace quadhop {
namespace {

// 200 nodes; training nodes are every seventh of [60, 120).
std::vector<GlobalId> TrainingNodes() {
  std::vector<GlobalId> nodes;
  for (int64_t v = 60; v < 120; v += 7) nodes.emplace_back(v);
  return nodes;
}

TEST(ResidentTopology, GivesTheSamplesOfTheWholeGraphToTrainingNodes) {
  const SmallGraph graph = RandomGraph(200, 0.02, 1, 3);
  const std::vector<GlobalId> training = TrainingNodes();
  ThreadPool pool(2);
  for (const bool wide : {false, true})
    for (const auto method : {SamplerOptions::Method::kExact, SamplerOptions::Method::kPaths}) {
      const Topology whole = wide ? graph.topology64() : graph.topology32();
      const ResidentTopology resident = ResidentTopology::Build(whole, training, pool);
      SamplerOptions options;
      options.sampled_nodes = 9;
      options.method = method;
      const TwoHopSampler expected(whole, options), got(resident.topology(), options);
      TwoHopSampler::Scratch scratch;
      std::vector<GlobalId> a(9), b(9);
      for (const GlobalId node : training)
        for (int64_t epoch = 1; epoch < 4; ++epoch) {
          expected.Sample(epoch, node, absl::MakeSpan(a), scratch);
          got.Sample(epoch, node, absl::MakeSpan(b), scratch);
          EXPECT_EQ(a, b);
        }
    }
}

TEST(ResidentTopology, HoldsNoRowsButThoseOfTrainingNodesAndTheirNeighbours) {
  const SmallGraph graph = RandomGraph(200, 0.02, 0, 3);
  const std::vector<GlobalId> training = TrainingNodes();
  std::set<int64_t> needed;
  for (const GlobalId node : training) {
    needed.insert(node.value());
    for (const int64_t u : graph.neighbours[static_cast<size_t>(node.value())]) needed.insert(u);
  }
  ThreadPool pool(1);
  const ResidentTopology resident = ResidentTopology::Build(graph.topology32(), training, pool);
  int64_t arcs = 0;
  for (int64_t v = 0; v < 200; ++v) {
    const int64_t expected = needed.count(v) > 0 ? graph.topology32().degree(v) : 0;
    EXPECT_EQ(resident.topology().degree(v), expected);
    arcs += expected;
  }
  EXPECT_LT(arcs, graph.topology32().num_arcs());
  EXPECT_EQ(resident.bytes(), 201 * 8 + arcs * 4);
  EXPECT_EQ(ResidentTopologyBytes(graph.topology32(), training), resident.bytes());
  EXPECT_EQ(ResidentTopologyBytes(graph.topology64(), training), 201 * 8 + arcs * 8);
}

}  // namespace
}  // namespace quadhop
