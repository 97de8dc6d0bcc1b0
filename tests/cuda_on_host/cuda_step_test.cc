// A training step on a device that does what is queued in other orders, from a recording, or with
// too little memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "core/cuda/cuda_device.h"
#include "cuda_runtime.h"
#include "model/largegt/step_recordings.h"
#include "tests/model/cuda/recorded_training.h"
#include "tests/model/toy_job.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

using testing::HasSubstr;

LargeGTOptions Options() {
  LargeGTOptions options = SmallModel();
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
  const Batch batch = rank.MakeBatch(1, nodes);
  const int64_t before = cuda_on_host::NumWaits();
  EXPECT_OK(rank.model().ComputeGradients(batch));
  rank.adam().Apply(rank.kernels(), 1e-2, rank.model().parameters());
  EXPECT_EQ(cuda_on_host::NumWaits() - before, 1);
}

// On whichever queue it fails, others do not go on with what it was for.
TEST(Step, SaysWhichAllocationFailed) {
  const LargeGTOptions options = Options();
  const ToyGraph graph = MakeToyGraph(options.dims, {0, 7, 12, 20});
  // It outlives the ranks, whose copies of it may be queued still when a step fails.
  const Batch batch = MakeToyBatch(graph, 0, ToyNodes(graph, 0.7, 0), 0, graph.num_partitions());
  int64_t failed = 0;
  while (true) {
    const std::unique_ptr<Communicator> comm = MakeSoloCommunicator();
    ToyRank rank(graph, options, *comm);
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

// On the model's stream, in each step.
std::vector<int64_t> NumQueued(const LargeGTOptions& options, bool cuda_graphs) {
  std::vector<int64_t> num_queued;
  int64_t before = 0;
  TrainWithRecordings(options, cuda_graphs, [&](int64_t, LargeGT& model) {
    const int64_t now =
        cuda_on_host::NumQueued(static_cast<cuda::Device&>(model.memory()).stream());
    num_queued.push_back(now - before);
    before = now;
  });
  return num_queued;
}

TEST(Step, IsQueuedByOneLaunchFromARecording) {
  for (const LargeGTOptions& options : RecordedModels()) {
    SCOPED_TRACE(static_cast<int>(options.conv));
    const std::vector<int64_t> queued = NumQueued(options, /*cuda_graphs=*/false);
    const std::vector<int64_t> replayed = NumQueued(options, /*cuda_graphs=*/true);
    // Uploads of the batch, one launch, what Adam does: before the evaluation and after it.
    for (const size_t step : {10u, 11u, 14u, 17u}) {
      EXPECT_LT(replayed[step], 40) << step;
      EXPECT_GT(queued[step], 60) << step;
    }
    EXPECT_EQ(replayed[12], queued[12]) << "an array grew before it";
  }
}

TEST(Step, IsQueuedWhereManySizesAreRecordedAlready) {
  constexpr int64_t kRecorded = 64;
  const auto device = cuda::Device::Open(/*local_rank=*/0);
  ASSERT_OK(device.status());
  const cuda::Buffer<int64_t> buffer(**device, 1);
  StepRecordings recordings({device->get()});
  int64_t num_queued = 0;
  const auto train = [&](int64_t sizes) {
    num_queued = 0;
    for (int64_t size = 0; size < sizes; ++size) {
      Batch batch;
      batch.slice_offsets = {0, size};
      EXPECT_OK(recordings.Queue(batch, [&] {
        ++num_queued;
        (*device)->Zero(buffer.data(), sizeof(int64_t));
        return absl::OkStatus();
      }));
    }
    return num_queued;
  };
  EXPECT_EQ(train(kRecorded + 2), kRecorded + 2);
  EXPECT_EQ(train(kRecorded + 2), kRecorded + 2) << "to be recorded";
  EXPECT_EQ(train(kRecorded + 2), 2);
  EXPECT_EQ(train(kRecorded), 0);
  EXPECT_OK((*device)->Synchronize());
}

TEST(Step, IsTheSameFromARecordingHoweverStreamsAreServed) {
  const LargeGTOptions options = RecordedModels().front();
  const RecordedTraining as_late_as_may_be = TrainWithRecordings(options, /*cuda_graphs=*/true);
  for (uint64_t seed = 0; seed < 3; ++seed) {
    const cuda_on_host::StreamsAtRandom at_random(seed);
    EXPECT_EQ(TrainWithRecordings(options, /*cuda_graphs=*/true), as_late_as_may_be) << seed;
  }
}

}  // namespace
}  // namespace quadhop
