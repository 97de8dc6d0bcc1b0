// Products in bf16 against products in float: the same model but for the rounding of operands.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/model/toy_job.h"
#include "tests/support/norms.h"

namespace quadhop {
namespace {

// An operand is rounded to 8 bits, by 2^-9 of itself at most, and a value passes through six
// products one after the other on its way forward (embedding, keys, scores, values, attention's
// output, residual), each of two rounded operands; errors are independent, and norms of differences
// add like their squares. Backwards that is little beside the ReLUs: where a value within the
// error of zero changes its sign, a gradient is lost or gained whole. That is a share of the values
// of about the forward error, and the norm of the difference is like its root.
constexpr double kRounding = 0x1p-9;
const double kForwardBound = kRounding * std::sqrt(2 * 6.0);
const double kBackwardBound = std::sqrt(kForwardBound);

LargeGTOptions Options(Precision precision, bool token_marks) {
  LargeGTOptions options;
  LargeGTDims& d = options.dims;
  d.features = 37;
  d.sampled = 11;
  d.pos_enc = 4;
  d.width = 40;
  d.heads = 2;
  d.centroids = 8;
  d.classes = 5;
  d.token_marks = token_marks;
  // Batch norm divides by what the nodes of a batch differ in: little, of an untrained model. Local
  // attention alone, under a layer norm, shows the products' own rounding.
  options.conv = Conv::kLocal;
  options.norm = NormKind::kLayer;
  options.precision = precision;
  options.seed = 7;
  return options;
}

struct Step {
  std::vector<double> logits, gradients;
};
Step StepIn(Precision precision, bool token_marks) {
  const LargeGTOptions options = Options(precision, token_marks);
  const ToyGraph graph = MakeToyGraph(options.dims, {0, 90, 100, 160});
  const std::unique_ptr<Communicator> comm = MakeSoloCommunicator();
  ToyRank rank(graph, options, *comm);
  const Batch batch = rank.MakeBatch(0, ToyNodes(graph, 0.7, 0));
  Tensor<float> logits({batch.num_nodes(), options.dims.classes});
  EXPECT_TRUE(rank.model().Predict(batch, logits.view()).ok());
  EXPECT_TRUE(rank.model().ComputeGradients(batch).ok());
  const std::vector<float> gradients =
      ToHost(rank.model().memory(), rank.model().parameters().trained_gradients());
  return {{logits.data(), logits.data() + logits.size()}, {gradients.begin(), gradients.end()}};
}

TEST(BF16, DiffersFromF32ByTheRoundingOfOperands) {
  if (!ProcessorHasBF16Products()) GTEST_SKIP() << "this processor has no AVX-512 BF16";
  for (const bool token_marks : {false, true}) {
    const Step expected = StepIn(Precision::kF32, token_marks);
    const Step actual = StepIn(Precision::kBF16, token_marks);
    const double logits_error = RelativeError(actual.logits, expected.logits);
    EXPECT_GT(logits_error, kRounding / 16) << "were products rounded at all?";
    EXPECT_LT(logits_error, kForwardBound);
    EXPECT_LT(RelativeError(actual.gradients, expected.gradients), kBackwardBound);
  }
}

}  // namespace
}  // namespace quadhop
