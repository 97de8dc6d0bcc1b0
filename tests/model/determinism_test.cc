// Promise 1 of DESIGN.md: a run depends on store, config and seed, never on threads or ranks.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <tuple>
#include <vector>

#include "tests/model/toy_job.h"
#include "tests/support/norms.h"
#include "tests/support/run_ranks.h"

namespace quadhop {
namespace {

constexpr int64_t kSteps = 5;
constexpr double kBatchShare = 0.6;

ToyGraph Graph(const LargeGTOptions& options) {
  return MakeToyGraph(options.dims, TestPartitions());
}

LargeGTOptions Options(Precision precision = Precision::kF32) {
  LargeGTOptions options;
  options.precision = precision;
  LargeGTDims& d = options.dims;
  d.features = 6;
  d.sampled = 5;
  d.pos_enc = 3;
  d.width = 9;
  d.heads = 2;
  // Four queries each are collected before the start: more than the first step's, less than two.
  d.centroids = TestPartitions().back() / 5;
  d.classes = 4;
  options.codebook_start = CodebookStart::kData;
  options.attention_dropout = 0.1;
  options.ema_decay = 0.9;
  options.seed = 5;
  return options;
}

struct Outcome {
  std::vector<double> losses;  // [kSteps]
  std::vector<float> state;
  std::vector<float> moments;  // Adam's
  std::vector<int64_t> counts;
  std::vector<int16_t> codes;  // [N]
  std::vector<bool> started;   // [kSteps]
};

Outcome TrainOn(Precision precision, int32_t num_ranks, int num_threads,
                const TestExchange& exchange) {
  const LargeGTOptions options = Options(precision);
  const ToyGraph graph = Graph(options);
  std::vector<Outcome> outcomes(static_cast<size_t>(num_ranks));
  RunRanks(num_ranks, [&](Communicator& comm) {
    ToyRank rank(graph, options, comm, {.num_threads = num_threads, .exchange = exchange});
    Outcome& out = outcomes[static_cast<size_t>(comm.rank().value())];
    for (int64_t step = 0; step < kSteps; ++step) {
      out.losses.push_back(rank.Train(step, ToyNodes(graph, kBatchShare, step)));
      out.started.push_back(rank.model().codebook()->started());
    }
    out.state = StateOf(rank.model());
    for (const TensorView<float> view : {rank.adam().first_moment(), rank.adam().second_moment()}) {
      const std::vector<float> moment = ToHost(rank.model().memory(), view);
      out.moments.insert(out.moments.end(), moment.begin(), moment.end());
    }
    out.counts = rank.model().codebook()->counts();
    out.codes = rank.model().codebook()->codes();
  });
  Outcome all = outcomes[0];
  for (size_t r = 1; r < outcomes.size(); ++r) {
    EXPECT_EQ(outcomes[r].losses, all.losses) << "rank " << r;
    EXPECT_EQ(outcomes[r].state, all.state) << "rank " << r;
    all.codes.insert(all.codes.end(), outcomes[r].codes.begin(), outcomes[r].codes.end());
  }
  return all;
}

void ExpectEqual(const Outcome& actual, const Outcome& expected) {
  EXPECT_EQ(actual.losses, expected.losses);  // in every digit
  EXPECT_EQ(actual.state, expected.state);
  EXPECT_EQ(actual.moments, expected.moments);
  EXPECT_EQ(actual.counts, expected.counts);
  EXPECT_EQ(actual.codes, expected.codes);
  EXPECT_EQ(actual.started, expected.started);
}

using Parameters = std::tuple<Precision, TestExchange>;
class DeterminismOf : public testing::TestWithParam<Parameters> {
 protected:
  void SetUp() override {
    if (!HasPrecision(precision())) GTEST_SKIP() << "this processor has no AVX-512 BF16";
    if (exchange().most_ranks() < 4) GTEST_SKIP() << exchange().name << " has no 4 GPUs";
  }
  static Precision precision() { return std::get<0>(GetParam()); }
  static const TestExchange& exchange() { return std::get<1>(GetParam()); }
};

std::string NameOf(const testing::TestParamInfo<Parameters>& test) {
  const auto& [precision, exchange] = test.param;
  const char* const name = precision == Precision::kF32    ? "F32"
                           : precision == Precision::kBF16 ? "BF16"
                                                           : "TF32";
  return name + exchange.name;
}
INSTANTIATE_TEST_SUITE_P(Backend, DeterminismOf,
                         testing::Combine(testing::ValuesIn(TestPrecisions()),
                                          testing::ValuesIn(TestExchanges())),
                         NameOf);

TEST_P(DeterminismOf, ARunIsTheSameInEveryDigitForAnyNumberOfThreadsAndRanks) {
  const Outcome expected = TrainOn(precision(), 1, 1, TestExchanges().front());
  EXPECT_EQ(expected.started, (std::vector<bool>{false, true, true, true, true}));
  EXPECT_TRUE(std::isfinite(expected.losses.back()));
  EXPECT_NE(expected.losses.front(), expected.losses.back());
  for (const int num_threads : {2, 3}) {
    SCOPED_TRACE(std::to_string(num_threads) + " threads");
    ExpectEqual(TrainOn(precision(), 1, num_threads, exchange()), expected);
  }
  for (const int32_t num_ranks : {2, 4}) {
    SCOPED_TRACE(std::to_string(num_ranks) + " ranks");
    ExpectEqual(TrainOn(precision(), num_ranks, 2, exchange()), expected);
  }
}

TEST(Determinism, ARunWithAnotherSeedIsAnother) {
  const LargeGTOptions options = Options();
  LargeGTOptions other = options;
  other.seed = 6;
  const ToyGraph graph = Graph(options);
  const std::vector<int64_t> nodes = ToyNodes(graph, kBatchShare, 0);
  const std::unique_ptr<Communicator> comm = MakeSoloCommunicator();
  ToyRank a(graph, options, *comm), b(graph, other, *comm);
  EXPECT_NE(a.Train(0, nodes), b.Train(0, nodes));
}

std::vector<float> GradientsOfAStep(Precision precision, Reduction reduction,
                                    const TestExchange& exchange) {
  const LargeGTOptions options = Options(precision);
  const ToyGraph graph = Graph(options);
  std::vector<float> gradients;
  RunRanks(4, [&](Communicator& comm) {
    ToyRank rank(graph, options, comm, {.reduction = reduction, .exchange = exchange});
    EXPECT_TRUE(
        rank.model().ComputeGradients(rank.MakeBatch(0, ToyNodes(graph, kBatchShare, 0))).ok());
    if (comm.rank() == Rank(0))
      gradients = ToHost(rank.model().memory(), rank.model().parameters().trained_gradients());
  });
  return gradients;
}

TEST_P(DeterminismOf, FastReductionGivesTheSameGradientsButForRounding) {
  const std::vector<float> exact =
      GradientsOfAStep(precision(), Reduction::kReproducible, exchange());
  EXPECT_GT(Norm(exact), 0);
  EXPECT_LE(RelativeError(GradientsOfAStep(precision(), Reduction::kFast, exchange()), exact),
            1e-6);
}

}  // namespace
}  // namespace quadhop
