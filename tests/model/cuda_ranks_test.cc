// The model on the CUDA backend: for any number of ranks, beside the CPU's, in both precisions.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "comm/nccl/nccl.h"
#include "core/cuda/cuda_device.h"
#include "tests/model/test_kernels.h"
#include "tests/model/toy_job.h"
#include "tests/support/run_ranks.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

constexpr int64_t kSteps = 3;
constexpr double kBatchShare = 0.5;

// With all dropouts, and a codebook that starts from data at the second step.
LargeGTOptions Options(Precision precision = Precision::kF32) {
  LargeGTOptions options;
  options.dims = {.features = 5,
                  .sampled = 3,
                  .pos_enc = 3,
                  .width = 8,
                  .heads = 2,
                  .centroids = 6,
                  .classes = 3};
  options.attention_dropout = 0.1;
  options.ema_decay = 0.9;
  options.seed = 5;
  options.precision = precision;
  return options;
}
ToyGraph Graph() { return MakeToyGraph(Options().dims, {0, 12, 16, 22, 31, 34}); }

std::unique_ptr<Kernels> CpuKernels(ThreadPool& pool, int) { return MakeCpuKernels(pool); }

std::unique_ptr<Communicator> OverNccl(Communicator& comm, Kernels&) {
  auto made = MakeNcclCommunicator(comm, comm.rank().value(), absl::Seconds(60));
  QH_CHECK(made.ok());
  return *std::move(made);
}

struct Outcome {
  std::vector<double> losses;  // [kSteps]
  std::vector<float> state;
  std::vector<int64_t> counts;
};
Outcome TrainOn(int32_t num_ranks, bool nccl, Precision precision = Precision::kF32) {
  const ToyGraph graph = Graph();
  std::vector<Outcome> outcomes(static_cast<size_t>(num_ranks));
  RunRanks(num_ranks, [&](Communicator& comm) {
    ToyRankOptions options;
    if (nccl) {
      options.local_rank = comm.rank().value();
      options.make_communicator = OverNccl;
    }
    ToyRank rank(graph, Options(precision), comm, options);
    Outcome& out = outcomes[static_cast<size_t>(comm.rank().value())];
    for (int64_t step = 0; step < kSteps; ++step)
      out.losses.push_back(rank.Train(step, ToyNodes(graph, kBatchShare, step)));
    out.state = StateOf(rank.model());
    out.counts = rank.model().codebook()->counts();
    EXPECT_TRUE(rank.model().codebook()->started());
  });
  for (const Outcome& outcome : outcomes) {
    EXPECT_EQ(outcome.losses, outcomes[0].losses);
    EXPECT_EQ(outcome.state, outcomes[0].state);
  }
  return outcomes[0];
}

// The parameter: whether ranks exchange over NCCL.
class CudaRanks : public testing::TestWithParam<bool> {
  void SetUp() override {
    if (!GetParam()) return;
    if (cuda::NumVisibleDevices() < 3) GTEST_SKIP() << "needs 3 GPUs";
    const auto made = MakeNcclCommunicator(*MakeSoloCommunicator(), 0, absl::Seconds(60));
    if (absl::IsUnavailable(made.status())) GTEST_SKIP() << made.status();
  }
};
INSTANTIATE_TEST_SUITE_P(Exchanges, CudaRanks, testing::Bool(), [](const auto& test) {
  return test.param ? "Nccl" : "StagedThroughTheHost";
});

TEST_P(CudaRanks, ARunIsTheSameInEveryDigitForAnyNumberOfRanks) {
  const Outcome expected = TrainOn(1, /*nccl=*/false);
  EXPECT_TRUE(std::isfinite(expected.losses.back()));
  for (const int32_t num_ranks : {2, 3}) {
    SCOPED_TRACE(num_ranks);
    const Outcome actual = TrainOn(num_ranks, GetParam());
    EXPECT_EQ(actual.losses, expected.losses);
    EXPECT_EQ(actual.state, expected.state);
    EXPECT_EQ(actual.counts, expected.counts);
  }
}

double RelativeError(const std::vector<float>& actual, const std::vector<float>& expected) {
  double error = 0, size = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    error += std::pow(double{actual[i]} - double{expected[i]}, 2);
    size += std::pow(double{expected[i]}, 2);
  }
  return std::sqrt(error / size);
}

std::vector<float> GradientsOf(ToyRank& rank) {
  return ToHost(rank.model().memory(), rank.model().parameters().trained_gradients());
}

TEST_P(CudaRanks, FastReductionGivesTheSameGradientsButForRounding) {
  const ToyGraph graph = Graph();
  std::vector<float> of_reduction[2];
  for (const Reduction reduction : {Reduction::kReproducible, Reduction::kFast}) {
    RunRanks(2, [&](Communicator& comm) {
      ToyRankOptions options;
      options.reduction = reduction;
      if (GetParam()) {
        options.local_rank = comm.rank().value();
        options.make_communicator = OverNccl;
      }
      ToyRank rank(graph, Options(), comm, options);
      rank.Train(0, ToyNodes(graph, kBatchShare, 0));
      if (comm.rank() == Rank(0)) of_reduction[static_cast<int>(reduction)] = GradientsOf(rank);
    });
  }
  EXPECT_LT(RelativeError(of_reduction[1], of_reduction[0]), 1e-6);
}

TEST(CudaModel, FastReductionOfOneRankIsTheReproducibleOne) {
  const ToyGraph graph = Graph();
  std::vector<float> of_reduction[2];
  for (const Reduction reduction : {Reduction::kReproducible, Reduction::kFast}) {
    const std::unique_ptr<Communicator> comm = MakeSoloCommunicator();
    ToyRankOptions options;
    options.reduction = reduction;
    // As a run has it: one that cannot read the device's memory.
    options.make_communicator = [](Communicator&, Kernels&) { return MakeSoloCommunicator(); };
    ToyRank rank(graph, Options(), *comm, options);
    rank.Train(0, ToyNodes(graph, kBatchShare, 0));
    of_reduction[static_cast<int>(reduction)] = GradientsOf(rank);
  }
  EXPECT_EQ(of_reduction[1], of_reduction[0]);
}

// The whole state of one model to another.
void CopyState(ToyRank& from, Communicator& comm, ToyRank& to) {
  std::vector<StateArray> source = from.model().State(), target = to.model().State();
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i].integer != nullptr) {
      *target[i].integer = *source[i].integer;
    } else {
      ToArray<float>(to.model().memory(), ToHost(from.model().memory(), source[i].floats),
                     target[i].floats);
    }
  }
  to.model().codebook()->SetCodes(from.model().codebook()->codes());
  ASSERT_OK(to.model().codebook()->RecountCodes(comm, from.model().codebook()->started()));
}

TEST(CudaModel, EachOf30StepsFromTheCpusStateGivesTheCpusLossAndGradients) {
  constexpr int64_t kStepsOfBoth = 30;
  const ToyGraph graph = Graph();
  LargeGTOptions options = Options();
  options.codebook_start = CodebookStart::kPaper;
  const std::unique_ptr<Communicator> comm = MakeSoloCommunicator();
  ToyRankOptions of_cpu;
  of_cpu.make_kernels = CpuKernels;
  ToyRank cpu(graph, options, *comm, of_cpu), gpu(graph, options, *comm);
  for (int64_t step = 0; step < kStepsOfBoth; ++step) {
    SCOPED_TRACE(step);
    CopyState(cpu, *comm, gpu);
    const std::vector<int64_t> nodes = ToyNodes(graph, kBatchShare, step);
    ASSERT_OK_AND_ASSIGN(const double actual,
                         gpu.model().ComputeGradients(gpu.MakeBatch(step, nodes)));
    const double expected = cpu.Train(step, nodes);
    EXPECT_NEAR(actual, expected, 1e-5 * expected);
    EXPECT_LT(RelativeError(GradientsOf(gpu), GradientsOf(cpu)), 1e-4);
  }
}

std::vector<float> LogitsIn(Precision precision, bool token_marks) {
  const ToyGraph graph = Graph();
  LargeGTOptions options = Options(precision);
  options.dims.token_marks = token_marks;
  const std::unique_ptr<Communicator> comm = MakeSoloCommunicator();
  ToyRank rank(graph, options, *comm);
  rank.Train(0, ToyNodes(graph, kBatchShare, 0));
  return rank.model().last_logits();
}

TEST(CudaModel, BF16LogitsDifferFromF32ByTheRoundingOfOperands) {
  for (const bool token_marks : {false, true}) {
    const double error = RelativeError(LogitsIn(Precision::kBF16, token_marks),
                                       LogitsIn(Precision::kF32, token_marks));
    EXPECT_GT(error, 1e-5) << "were products rounded at all?";
    EXPECT_LT(error, 2e-2);
  }
}

TEST(CudaModel, BF16IsTheSameInEveryDigitForAnyNumberOfRanks) {
  const Outcome expected = TrainOn(1, /*nccl=*/false, Precision::kBF16);
  const Outcome actual = TrainOn(2, /*nccl=*/false, Precision::kBF16);
  EXPECT_EQ(actual.losses, expected.losses);
  EXPECT_EQ(actual.state, expected.state);
}

TEST(CudaModel, AGradientThatIsNotFiniteIsFoundOnTheDevice) {
  const ToyGraph graph = Graph();
  const std::unique_ptr<Communicator> comm = MakeSoloCommunicator();
  ToyRank rank(graph, Options(), *comm);
  Batch batch = rank.MakeBatch(0, ToyNodes(graph, kBatchShare, 0));
  ASSERT_OK(rank.model().ComputeGradients(batch));
  EXPECT_TRUE(rank.model().gradients_finite());
  batch.features.Fill(std::nanf(""));
  ASSERT_OK(rank.model().ComputeGradients(batch));
  EXPECT_FALSE(rank.model().gradients_finite());
}

}  // namespace
}  // namespace quadhop
