#include "launch/memory/training_plan.h"

#include <gtest/gtest.h>

#include "launch/config/config.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

constexpr int64_t kNodes = 111059956, kArcs = 3231371744;

// ogbn-papers100M, symmetrised, with 2 hops of features in 16 bits.
GraphShape Papers() {
  GraphShape graph;
  graph.dims = {.features = 128, .hops_and_self = 3, .pos_enc = 64, .classes = 172};
  graph.nodes = kNodes;
  graph.arcs = kArcs;
  graph.feature_bytes = 2;
  graph.train_nodes = 1207179;
  return graph;
}

TrainingPlan PlanOf(const GraphShape& graph, const JobShape& job,
                    const std::vector<std::string>& settings = {}) {
  const absl::StatusOr<Config> config = LoadConfig("quickstart", settings);
  EXPECT_OK(config);
  return PlanTraining(graph, job, *config);
}

TEST(TrainingPlan, CountsTheBytesOfRowsAndArcs) {
  EXPECT_EQ(Papers().row_bytes(), 768);
  EXPECT_EQ(Papers().topology_bytes(), 8 * (kNodes + 1) + 4 * kArcs);
  GraphShape beyond_32_bits = Papers();
  beyond_32_bits.nodes = int64_t{1} << 33;
  EXPECT_EQ(beyond_32_bits.topology_bytes(), 8 * ((int64_t{1} << 33) + 1) + 8 * kArcs);
}

TEST(TrainingPlan, RanksOfAHostShareWhatIsMappedAndNotWhatIsTheirs) {
  const GraphShape graph = Papers();
  const TrainingPlan apart = PlanOf(graph, {.ranks = 8, .ranks_per_host = 1, .partitions = 8});
  const TrainingPlan together = PlanOf(graph, {.ranks = 8, .ranks_per_host = 8, .partitions = 8});
  EXPECT_EQ(apart.mapped.host_bytes, apart.mapped.rank_bytes);
  EXPECT_EQ(together.mapped.rank_bytes, apart.mapped.rank_bytes);
  // All rows once, and not 8 times.
  EXPECT_LT(together.mapped.host_bytes - apart.mapped.host_bytes, graph.all_rows_bytes());
  // An eighth of the rows and a tenth more of hot ones on each of 8.
  EXPECT_GT(together.partitioned.host_bytes - apart.partitioned.host_bytes,
            7 * (graph.all_rows_bytes() / 8 + graph.all_rows_bytes() / 10));
}

TEST(TrainingPlan, AGpuHoldsAllRowsWhereTheyLeaveRoomForAStepElseThoseDrawnMost) {
  const GraphShape graph = Papers();  // 85 GB of rows, 14 of topology
  const GpuPlan roomy = PlanOf(graph, {.gpus = true, .gpu_bytes = 139'000'000'000}).gpu;
  EXPECT_EQ(roomy.row_bytes, graph.all_rows_bytes());
  EXPECT_EQ(roomy.topology_bytes, graph.topology_bytes());
  const GpuPlan narrow = PlanOf(graph, {.gpus = true, .gpu_bytes = 80'000'000'000}).gpu;
  EXPECT_NEAR(static_cast<double>(narrow.row_bytes), 60e9 - 4.0 * kNodes, 1e3);
  EXPECT_EQ(narrow.row_bytes % graph.row_bytes(), 0);
  EXPECT_EQ(narrow.topology_bytes, 0);
  EXPECT_EQ(PlanOf(graph, {}).gpu.row_bytes, 0);
}

// Here a step takes more than a quarter of the GPU.
TEST(TrainingPlan, BesideRowsAStepAndWhatIsNotPlannedHaveTheirRoomOnAGpu) {
  constexpr int64_t kGpuBytes = 15'500'000'000;
  const TrainingPlan plan =
      PlanOf(Papers(), {.gpus = true, .gpu_bytes = kGpuBytes},
             {"train.batch=1024", "model.width=256", "sampler.sampled_nodes=60"});
  const int64_t left = kGpuBytes - plan.gpu.row_bytes - plan.gpu.topology_bytes - 4 * kNodes;
  EXPECT_GT(plan.gpu.row_bytes, 0);
  EXPECT_GT(plan.work.gpu_bytes(), kGpuBytes / 4);
  EXPECT_GE(left, plan.work.gpu_bytes() + (int64_t{1} << 30));
}

TEST(TrainingPlan, AStepOnAGpuTakesItsMemoryAndNotTheHosts) {
  const std::vector<std::string> large = {"train.batch=65536", "model.width=256"};
  const MemoryPlan host = PlanOf(Papers(), {}, large).work;
  const MemoryPlan gpu = PlanOf(Papers(), {.gpus = true}, large).work;
  EXPECT_EQ(host.gpu_bytes(), 0);
  EXPECT_GT(gpu.gpu_bytes(), host.step.activation_bytes);
  EXPECT_LE(gpu.host_bytes(), host.host_bytes() - host.step.bytes());
  EXPECT_EQ(PlanOf(Papers(), {.gpus = true}, {"model.backend=CPU"}).work.gpu_bytes(), 0);
}

MemoryPlan PlanOfTheProductsShape(const JobShape& job, std::vector<std::string> settings) {
  GraphShape products;
  products.dims = {.features = 100, .hops_and_self = 3, .pos_enc = 64, .classes = 47};
  products.nodes = 20000;
  products.train_nodes = 10240;
  settings.insert(settings.end(),
                  {"train.batch=1024", "model.width=256", "model.heads=2", "model.centroids=4096",
                   "sampler.sampled_nodes=100", "model.precision=BF16"});
  return PlanOf(products, job, settings).work;
}

// 4.1 GB on an H200 (docs/performance.md), of which 0.02 are the benchmark's table of features.
TEST(TrainingPlan, AStepOfTheProductsShapeIsPlannedAsItWasMeasured) {
  const MemoryPlan plan = PlanOfTheProductsShape({.partitions = 4, .gpus = true}, {});
  EXPECT_NEAR(static_cast<double>(plan.gpu_bytes()), 4.1e9, 0.4e9);
}

// Gradients of four layers and of the probabilities: 2144 bf16 values of 307,200 tokens.
TEST(TrainingPlan, RecordingsOfStepsTakeOnceMoreWhatAStepGivesBack) {
  const JobShape one = {.partitions = 4, .gpus = true};
  const JobShape two = {.ranks = 2, .partitions = 4, .gpus = true};
  const auto extra_bytes = [](const JobShape& job) {
    return PlanOfTheProductsShape(job, {"model.cuda_graphs=true"}).gpu_bytes() -
           PlanOfTheProductsShape(job, {}).gpu_bytes();
  };
  EXPECT_NEAR(static_cast<double>(extra_bytes(one)), 2144.0 * 2 * 307200, 0.02e9);
  EXPECT_EQ(extra_bytes(two), 0);  // steps of several ranks are not recorded
}

TEST(TrainingPlan, ByPartsARankHoldsItsShareAndAHotSet) {
  const GraphShape graph = Papers();
  const TrainingPlan plan = PlanOf(graph, {.ranks = 8, .ranks_per_host = 1, .partitions = 16});
  const double without_rows = static_cast<double>(plan.mapped.rank_bytes - graph.all_rows_bytes());
  EXPECT_NEAR(static_cast<double>(plan.partitioned.rank_bytes),
              without_rows + static_cast<double>(graph.all_rows_bytes()) * (1.0 / 8 + 1.0 / 10),
              1e6);
}

// Of narrow rows; 5 bytes a node are labels and splits.
TEST(TrainingPlan, ByPartsManyThreadsTakeMoreToChooseAHotSetThanToTrain) {
  GraphShape narrow = Papers();
  narrow.dims.features = 10;
  const JobShape job{.ranks = 64, .ranks_per_host = 1, .partitions = 64, .threads = 16};
  const TrainingPlan plan = PlanOf(narrow, job, {"train.batch=64"});
  EXPECT_NEAR(static_cast<double>(plan.partitioned.rank_bytes),
              static_cast<double>(narrow.topology_bytes() + kNodes * (5 + 12 + 4 * 16)), 1e8);
}

TEST(TrainingPlan, OneRankHasNobodyToExchangeWith) {
  const TrainingPlan plan = PlanOf(Papers(), {});
  EXPECT_EQ(plan.remote_rows, 0);
  EXPECT_EQ(plan.partitioned.rank_bytes, plan.mapped.rank_bytes);
}

TEST(TrainingPlan, ABatchHasNoMoreNodesThanAreTrainedOnNorRowsThanTheGraph) {
  GraphShape graph = Papers();
  graph.nodes = 1000;
  graph.train_nodes = 80;
  const TrainingPlan plan = PlanOf(graph, {.ranks = 4, .partitions = 4}, {"train.batch=512"});
  EXPECT_EQ(plan.steps, 1);
  EXPECT_EQ(plan.rank_nodes, 20);
  EXPECT_LT(plan.distinct_rows, 1000);
  EXPECT_EQ(plan.remote_rows, plan.distinct_rows - plan.distinct_rows / 4);
}

TEST(TrainingPlan, ABatchBeyondTheTrainingNodesTakesTheMemoryOfOneOfThemAll) {
  GraphShape graph = Papers();
  graph.train_nodes = 1200;
  EXPECT_EQ(PlanOf(graph, {}, {"train.batch=1000000"}).work.host_bytes(),
            PlanOf(graph, {}, {"train.batch=1200"}).work.host_bytes());
}

TEST(TrainingPlan, StepsAreEvenAndABatchThatIsNotFilledTakesNoMemory) {
  GraphShape graph = Papers();
  graph.train_nodes = 4590;
  const TrainingPlan uneven = PlanOf(graph, {}, {"train.batch=4500"});
  const TrainingPlan even = PlanOf(graph, {}, {"train.batch=2295"});
  EXPECT_EQ(uneven.steps, 2);
  EXPECT_EQ(uneven.rank_nodes, 2295);
  EXPECT_EQ(uneven.distinct_rows, even.distinct_rows);
  EXPECT_EQ(uneven.work.host_bytes(), even.work.host_bytes());
}

TEST(TrainingPlan, ClassesTakeThreeLogitsANodeOfTheBatch) {
  GraphShape few = Papers(), many = Papers();
  many.dims.classes = few.dims.classes + 1000;
  const std::vector<std::string> settings = {"train.batch=64"};
  EXPECT_EQ(PlanOf(many, {}, settings).work.step.activation_bytes,
            PlanOf(few, {}, settings).work.step.activation_bytes + 64 * 3 * 4 * 1000);
}

TEST(TrainingPlan, AModelThatNoMemoryHoldsIsPlannedToo) {
  const TrainingPlan plan = PlanOf(Papers(), {}, {"model.width=4096", "model.heads=64"});
  EXPECT_GT(plan.work.step.weight_bytes, int64_t{1} << 40);
}

}  // namespace
}  // namespace quadhop
