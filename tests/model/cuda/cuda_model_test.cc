// The model on the CUDA backend beside the CPU's, and its precisions beside each other.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/model/test_kernels.h"
#include "tests/model/toy_job.h"
#include "tests/support/norms.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

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

std::vector<float> GradientsOf(ToyRank& rank) {
  return ToHost(rank.model().memory(), rank.model().parameters().trained_gradients());
}

TEST(CudaModel, FastReductionOfOneRankIsTheReproducibleOne) {
  const ToyGraph graph = Graph();
  std::vector<float> of_reduction[2];
  for (const Reduction reduction : {Reduction::kReproducible, Reduction::kFast}) {
    const std::unique_ptr<Communicator> comm = MakeSoloCommunicator();
    ToyRankOptions options;
    options.reduction = reduction;
    // As a run has it: one that cannot read the device's memory.
    options.exchange.make_communicator = [](Communicator&, Kernels&) {
      return MakeSoloCommunicator();
    };
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
  of_cpu.make_kernels = [](ThreadPool& pool, Precision, int) { return MakeCpuKernels(pool); };
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

TEST(CudaModel, LogitsDifferFromF32ByTheRoundingOfOperands) {
  for (const bool token_marks : {false, true}) {
    const std::vector<float> expected = LogitsIn(Precision::kF32, token_marks);
    const double of_bf16 = RelativeError(LogitsIn(Precision::kBF16, token_marks), expected);
    EXPECT_GT(of_bf16, 1e-5) << "were products rounded at all?";
    EXPECT_LT(of_bf16, 2e-2);
    // Two bits more than bf16. cuBLASLt may round to TF32, and need not for products this small.
    EXPECT_LT(RelativeError(LogitsIn(Precision::kTF32, token_marks), expected), 5e-3);
  }
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
