// The GPU's sampler against the host's. On a GPU, or on the stand-in of tests/cuda_on_host.
#include "sampler/cuda/batch_sampler_cuda.h"

#include <cuda_runtime.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/sampler/loader_testing.h"
#include "tests/sampler/small_graph.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

using Method = SamplerOptions::Method;
using Resample = SamplerOptions::Resample;

constexpr int64_t kOnDevice = int64_t{1} << 20, kOnHost = 0;  // bytes for the topology

std::unique_ptr<BatchSampler> OnGpu(const Topology& topology, const SamplerOptions& options,
                                    int64_t device_bytes = kOnDevice) {
  auto sampler = MakeCudaBatchSampler(topology, options, /*local_rank=*/0, device_bytes);
  EXPECT_OK(sampler);
  return sampler.ok() ? *std::move(sampler) : nullptr;
}

std::vector<GlobalId> SamplesOf(BatchSampler& sampler, int64_t epoch,
                                const std::vector<GlobalId>& nodes, int32_t k) {
  ThreadPool pool(2);
  std::vector<GlobalId> out(nodes.size() * static_cast<size_t>(k));
  EXPECT_OK(sampler.Sample(epoch, nodes, absl::MakeSpan(out), pool));
  return out;
}

// About 20 nodes, the first and the last among them.
std::vector<GlobalId> SomeNodes(const SmallGraph& graph) {
  const auto num_nodes = static_cast<int64_t>(graph.neighbours.size());
  std::vector<GlobalId> nodes;
  for (int64_t v = 0; v < num_nodes; v += 1 + num_nodes / 20) nodes.emplace_back(v);
  nodes.emplace_back(num_nodes - 1);
  return nodes;
}

// A node that all point to and that points to all, among nodes without arcs of their own.
SmallGraph Star(int64_t num_nodes) {
  std::vector<std::vector<int64_t>> rows(static_cast<size_t>(num_nodes));
  for (int64_t v = 1; v < num_nodes - 3; ++v) {
    rows[0].push_back(v);
    rows[static_cast<size_t>(v)].push_back(0);
  }
  return SmallGraph(rows);
}

// Many paths to few nodes: the first guess of a limit is far too low.
SmallGraph Funnel() {
  std::vector<std::vector<int64_t>> rows(9000);
  for (size_t v = 0; v < 90; ++v)
    for (int64_t u = v < 30 ? 30 : 100; u < (v < 30 ? 90 : 200); ++u) rows[v].push_back(u);
  return SmallGraph(rows);
}

struct NamedGraph {
  std::string name;
  SmallGraph graph;
};
std::vector<NamedGraph> Graphs() {
  return {{"sparse", RandomGraph(30, 0.1, 0, 1)},
          {"dense, with hubs", RandomGraph(300, 0.3, 3, 2)},
          {"sparse, with hubs", RandomGraph(900, 0.02, 2, 3)},
          {"star", Star(700)},
          {"funnel", Funnel()},
          {"self-loops", SmallGraph({{0}, {0, 1, 2}, {1, 2}, {3, 4}, {}})},
          {"no arcs", SmallGraph({{}, {}, {}})},
          {"one node", SmallGraph(std::vector<std::vector<int64_t>>(1))}};
}

class BatchSamplerCuda : public ::testing::TestWithParam<Method> {};

TEST_P(BatchSamplerCuda, DrawsWhatTheHostDraws) {
  for (const auto& [name, graph] : Graphs())
    for (int32_t k : {1, 2, 5, 20, 100}) {
      const SamplerOptions options = {.sampled_nodes = k, .method = GetParam(), .seed = 11};
      const auto expected = MakeHostBatchSampler(graph.topology32(), options);
      const auto narrow = OnGpu(graph.topology32(), options);
      const auto wide = OnGpu(graph.topology64(), options, kOnHost);
      const std::vector<GlobalId> nodes = SomeNodes(graph);
      for (int64_t epoch : {0, 4}) {
        const std::vector<GlobalId> want = SamplesOf(*expected, epoch, nodes, k);
        EXPECT_EQ(SamplesOf(*narrow, epoch, nodes, k), want) << name << ", K " << k;
        EXPECT_EQ(SamplesOf(*wide, epoch, nodes, k), want) << name << ", K " << k << ", wide ids";
      }
    }
}

TEST_P(BatchSamplerCuda, TakesPoolsSmallerThanManySampledNodes) {
  constexpr int32_t kSampled = 700;
  const SamplerOptions options = {.sampled_nodes = kSampled, .method = GetParam(), .seed = 3};
  for (const SmallGraph& graph : {Star(700), RandomGraph(60, 0.2, 1, 8)}) {
    const auto expected = MakeHostBatchSampler(graph.topology32(), options);
    const std::vector<GlobalId> nodes = SomeNodes(graph);
    EXPECT_EQ(SamplesOf(*OnGpu(graph.topology32(), options), 2, nodes, kSampled),
              SamplesOf(*expected, 2, nodes, kSampled));
  }
}

TEST_P(BatchSamplerCuda, DrawsTheSameEachEpochWhereItResamplesOnce) {
  const SmallGraph graph = RandomGraph(300, 0.05, 0, 5);
  SamplerOptions options = {.sampled_nodes = 9, .method = GetParam(), .resample = Resample::kOnce};
  const auto once = OnGpu(graph.topology32(), options);
  options.resample = Resample::kEveryEpoch;
  const auto every = OnGpu(graph.topology32(), options);
  const std::vector<GlobalId> nodes = SomeNodes(graph);
  const std::vector<GlobalId> first = SamplesOf(*once, 1, nodes, 9);
  EXPECT_EQ(SamplesOf(*once, 2, nodes, 9), first);
  EXPECT_EQ(SamplesOf(*every, 0, nodes, 9), first);
  EXPECT_NE(SamplesOf(*every, 1, nodes, 9), SamplesOf(*every, 2, nodes, 9));
}

TEST_P(BatchSamplerCuda, TakesABatchWithoutNodes) {
  const SmallGraph graph = RandomGraph(30, 0.1, 0, 5);
  const auto sampler = OnGpu(graph.topology32(), {.sampled_nodes = 9, .method = GetParam()});
  EXPECT_TRUE(SamplesOf(*sampler, 1, {}, 9).empty());
}

TEST_P(BatchSamplerCuda, MakesTheBatchesThatTheHostMakes) {
  const Fixture fixture;
  LoaderOptions options = Options(/*sampled_nodes=*/7);
  options.sampler.method = GetParam();
  const std::vector<Pass> passes = {Train(1, 64), Evaluate({SplitPart::kValid}, 64), Train(2, 64)};
  const std::vector<Contents> expected = RunPasses(fixture.Inputs(), options, passes);
  options.sampler_backend = SamplerBackend::kCuda;
  EXPECT_EQ(RunPasses(fixture.Inputs(), options, passes), expected);
  LoaderInputs apart = fixture.Inputs();
  apart.training_topology = apart.topology;
  EXPECT_EQ(RunPasses(apart, options, passes), expected);
}

INSTANTIATE_TEST_SUITE_P(Methods, BatchSamplerCuda,
                         ::testing::Values(Method::kExact, Method::kPaths), [](const auto& method) {
                           return method.param == Method::kExact ? "Exact" : "Paths";
                         });

TEST(BatchSamplerCudaTest, RefusesMoreSampledNodesThanABlockHasRoomFor) {
  const SmallGraph graph = RandomGraph(30, 0.1, 0, 5);
  const auto sampler =
      MakeCudaBatchSampler(graph.topology32(), {.sampled_nodes = 10000}, 0, kOnDevice);
  EXPECT_EQ(sampler.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(sampler.status().message()),
              ::testing::HasSubstr("sampler.sampled_nodes is 10000"));
}

// Of the device's memory, in arrays.
uint64_t UsedDeviceBytes() {
  cudaMemPool_t pool = nullptr;
  uint64_t used = 0;
  EXPECT_EQ(cudaDeviceGetDefaultMemPool(&pool, 0), cudaSuccess);
  EXPECT_EQ(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &used), cudaSuccess);
  return used;
}

TEST(CudaBatchSampler, TopologiesOfALoaderShareWhatTheyMayTake) {
  const Fixture fixture;
  LoaderInputs inputs = fixture.Inputs();
  inputs.training_topology = inputs.topology;
  const auto taken_within = [&](int64_t device_bytes) {
    LoaderOptions options;
    options.sampler_backend = SamplerBackend::kCuda;
    options.device_topology_bytes = device_bytes;
    const uint64_t before = UsedDeviceBytes();
    const auto loader = BatchLoader::Create(inputs, options);
    EXPECT_OK(loader);
    return UsedDeviceBytes() - before;
  };
  const int64_t one = inputs.topology.num_bytes();
  EXPECT_EQ(taken_within(one - 1), 0u);
  EXPECT_GE(taken_within(one), static_cast<uint64_t>(one));
  EXPECT_EQ(taken_within(2 * one - 1), taken_within(one));
  EXPECT_EQ(taken_within(2 * one), 2 * taken_within(one));
}

}  // namespace
}  // namespace quadhop
