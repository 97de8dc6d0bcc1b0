// A training step on a device that does what is queued in other orders, or has too little memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

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

}  // namespace
}  // namespace quadhop
