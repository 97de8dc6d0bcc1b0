// What a step takes of a GPU's memory, counted by the stand-in, and what is planned for it.
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include "comm/collectives/communicator.h"
#include "launch/config/backends.h"
#include "launch/config/config.h"
#include "launch/memory/memory_plan.h"
#include "model/largegt/step_memory.h"
#include "tests/model/toy_job.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

// Of the working memory of products, which those of the stand-in do not take. They take something,
// which is not planned apart.
constexpr int64_t kOfProducts = kGpuKernelBytes - (int64_t{1} << 20);

void ExpectPlanned(LargeGTOptions options, Precision precision) {
  constexpr int64_t kNodes = 200, kBatch = 96;
  options.precision = precision;
  ASSERT_OK_AND_ASSIGN(
      Config config,
      LoadConfig("quickstart", {absl::StrCat("train.batch=", kBatch), "model.backend=CUDA"}));
  const MemoryPlan plan = PlanMemory(options, config, /*owned_partitions=*/2,
                                     /*num_partitions=*/2, kNodes, /*num_threads=*/1);
  const ToyGraph graph = MakeToyGraph(options.dims, {0, kNodes / 2, kNodes});
  ToyRankOptions rank_options;
  const std::unique_ptr<Communicator> comm = MakeSoloCommunicator();
  ToyRank rank(graph, options, *comm, rank_options);
  uint64_t most_bytes = 0;
  ASSERT_EQ(cudaMemPoolSetAttribute({}, cudaMemPoolAttrUsedMemHigh, &most_bytes), cudaSuccess);
  std::vector<int64_t> nodes(kBatch);
  for (size_t i = 0; i < nodes.size(); ++i) nodes[i] = static_cast<int64_t>(2 * i);
  for (int64_t step = 0; step < 2; ++step) rank.Train(step, nodes);
  ASSERT_EQ(cudaMemPoolGetAttribute({}, cudaMemPoolAttrUsedMemHigh, &most_bytes), cudaSuccess);
  const auto planned = static_cast<double>(plan.gpu_bytes() - kOfProducts);
  EXPECT_LE(static_cast<double>(most_bytes), planned);
  EXPECT_GE(static_cast<double>(most_bytes), 0.8 * planned);
}

LargeGTOptions ModelOfFewTokens() {
  LargeGTOptions options;
  options.dims.features = 32;
  options.dims.sampled = 8;
  options.dims.pos_enc = 8;
  options.dims.width = 32;
  options.dims.heads = 2;
  options.dims.centroids = 64;
  options.dims.classes = 5;
  options.codebook_start = CodebookStart::kPaper;
  return options;
}

TEST(MemoryPlan, CoversWhatAStepTakesOfAGpuAndLittleMore) {
  ExpectPlanned(ModelOfFewTokens(), Precision::kF32);
  ExpectPlanned(ModelOfFewTokens(), Precision::kBF16);
}

TEST(MemoryPlan, CoversAGpusStepOfManyTokensAndOfManyFeatures) {
  LargeGTOptions many_tokens = ModelOfFewTokens(), many_features = ModelOfFewTokens();
  many_tokens.dims.sampled = 40;
  ExpectPlanned(many_tokens, Precision::kBF16);
  many_features.dims.features = 300;
  ExpectPlanned(many_features, Precision::kBF16);
}

}  // namespace
}  // namespace quadhop
