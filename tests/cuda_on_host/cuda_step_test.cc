// A training step on a device that does what is queued in other orders, from a recording, or with
// too little memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "core/cuda/cuda_device.h"
#include "cuda_runtime.h"
#include "tests/model/toy_job.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

using testing::HasSubstr;

LargeGTOptions Options() {
  LargeGTOptions options;
  options.dims = {.features = 3,
                  .sampled = 2,
                  .pos_enc = 2,
                  .width = 8,
                  .heads = 1,
                  .centroids = 5,
                  .classes = 2};
  options.codebook_start = CodebookStart::kPaper;
  return options;
}

TEST(Step, WaitsForTheDeviceOnce) {
  const LargeGTOptions options = Options();
  const ToyGraph graph = MakeToyGraph(options.dims, {0, 7, 12, 20});
  const std::unique_ptr<Communicator> comm = MakeSoloCommunicator();
  ToyRank rank(graph, options, *comm, {.adam = {.clip_norm = 1}});
  const std::vector<int64_t> nodes = ToyNodes(graph, 0.7, 0);
  rank.Train(0, nodes);
  const int64_t before = cuda_on_host::NumWaits();
  rank.Train(1, nodes);
  EXPECT_EQ(cuda_on_host::NumWaits() - before, 1);
}

// On whichever queue it fails, others do not go on with what it was for.
TEST(Step, SaysWhichAllocationFailed) {
  const LargeGTOptions options = Options();
  const ToyGraph graph = MakeToyGraph(options.dims, {0, 7, 12, 20});
  int64_t failed = 0;
  while (true) {
    const std::unique_ptr<Communicator> comm = MakeSoloCommunicator();
    ToyRank rank(graph, options, *comm);
    const Batch batch = rank.MakeBatch(0, ToyNodes(graph, 0.7, 0));
    cuda_on_host::FailAllocation(failed + 1);
    const absl::StatusOr<double> loss = rank.model().ComputeGradients(batch);
    cuda_on_host::FailAllocation(0);
    if (loss.ok()) break;
    EXPECT_THAT(loss.status(),
                StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("cudaMalloc")))
        << failed;
    ++failed;
  }
  EXPECT_GT(failed, 50);
}

TEST(Step, IsTheSameHoweverStreamsAreServed) {
  const LargeGTOptions options = Options();
  const ToyGraph graph = MakeToyGraph(options.dims, {0, 7, 12, 20});
  const auto train = [&] {
    const std::unique_ptr<Communicator> comm = MakeSoloCommunicator();
    ToyRank rank(graph, options, *comm);
    for (int64_t step = 0; step < 3; ++step) rank.Train(step, ToyNodes(graph, 0.7, step));
    return StateOf(rank.model());
  };
  const std::vector<float> as_late_as_may_be = train();
  for (uint64_t seed = 0; seed < 10; ++seed) {
    const cuda_on_host::StreamsAtRandom at_random(seed);
    EXPECT_EQ(train(), as_late_as_may_be) << seed;
  }
}

// `of_partition` nodes of each partition, others each step.
std::vector<int64_t> NodesOf(const ToyGraph& graph, std::vector<int64_t> of_partition,
                             int64_t step) {
  std::vector<int64_t> nodes;
  for (size_t p = 0; p < of_partition.size(); ++p) {
    const int64_t begin = graph.partition_offsets[p], end = graph.partition_offsets[p + 1];
    for (int64_t i = 0; i < of_partition[p]; ++i)
      nodes.push_back(begin + (2 * step + i) % (end - begin));
  }
  std::sort(nodes.begin(), nodes.end());
  return nodes;
}

struct Training {
  std::vector<double> losses;
  std::vector<float> state, logits;
  std::vector<int64_t> num_queued;  // on the model's stream, of each step
};
// Batches of two sizes in turn, and an evaluation of all nodes, for which arrays grow.
Training TrainInTurn(LargeGTOptions options, bool cuda_graphs) {
  options.cuda_graphs = cuda_graphs;
  const ToyGraph graph = MakeToyGraph(options.dims, {0, 7, 12, 20});
  const std::unique_ptr<Communicator> comm = MakeSoloCommunicator();
  ToyRank rank(graph, options, *comm);
  auto* const stream = static_cast<cuda::Device&>(rank.model().memory()).stream();
  Training training;
  for (int64_t step = 0; step < 18; ++step) {
    const int64_t before = cuda_on_host::NumQueued(stream);
    const std::vector<int64_t> of_partition = {4, 3, 5 + step % 2};
    training.losses.push_back(rank.Train(step, NodesOf(graph, of_partition, step)));
    training.num_queued.push_back(cuda_on_host::NumQueued(stream) - before);
    if (step != 11) continue;
    const Batch all = rank.MakeBatch(-1, NodesOf(graph, {7, 5, 8}, 0));
    Tensor<float> logits({all.num_nodes(), options.dims.classes});
    EXPECT_OK(rank.model().Predict(all, logits.view()));
  }
  training.state = StateOf(rank.model());
  training.logits = rank.model().last_logits();
  return training;
}

TEST(Step, IsTheSameFromARecording) {
  for (const auto& [conv, norm] : {std::pair(Conv::kFull, NormKind::kBatch),
                                   {Conv::kLocal, NormKind::kLayer},
                                   {Conv::kGlobal, NormKind::kNone},
                                   {Conv::kNone, NormKind::kBatch}}) {
    SCOPED_TRACE(static_cast<int>(conv));
    LargeGTOptions options = Options();
    options.conv = conv;
    options.norm = norm;
    options.attention_dropout = 0.1;
    options.dims.centroids = 20;
    options.codebook_start = CodebookStart::kData;  // at the seventh step
    const Training queued = TrainInTurn(options, /*cuda_graphs=*/false);
    const Training replayed = TrainInTurn(options, /*cuda_graphs=*/true);
    EXPECT_EQ(replayed.losses, queued.losses);
    EXPECT_EQ(replayed.state, queued.state);
    EXPECT_EQ(replayed.logits, queued.logits);
    // Uploads of the batch, one launch, what Adam does: before the evaluation and after it.
    for (const size_t step : {10u, 11u, 14u, 17u}) {
      EXPECT_LT(replayed.num_queued[step], 40) << step;
      EXPECT_GT(queued.num_queued[step], 60) << step;
    }
    EXPECT_EQ(replayed.num_queued[12], queued.num_queued[12]) << "an array grew before it";
  }
}

TEST(Step, IsTheSameFromARecordingHoweverStreamsAreServed) {
  const Training as_late_as_may_be = TrainInTurn(Options(), /*cuda_graphs=*/true);
  for (uint64_t seed = 0; seed < 3; ++seed) {
    const cuda_on_host::StreamsAtRandom at_random(seed);
    EXPECT_EQ(TrainInTurn(Options(), /*cuda_graphs=*/true).state, as_late_as_may_be.state) << seed;
  }
}

}  // namespace
}  // namespace quadhop
