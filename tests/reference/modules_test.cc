// Every backward of the reference, by finite differences in double.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/reference/adam.h"
#include "tests/reference/block.h"
#include "tests/reference/finite_difference.h"
#include "tests/reference/global_attention.h"
#include "tests/reference/linear.h"
#include "tests/reference/local_module.h"
#include "tests/reference/losses.h"
#include "tests/reference/norms.h"
#include "tests/reference/self_attention.h"

namespace quadhop::reference {
namespace {

using Shapes = std::map<std::string, std::vector<size_t>>;

TEST(ReferenceLinear, BackwardIsTheDerivativeOfForward) {
  Arrays<double> arrays = RandomArrays(Shapes{{"f.weight", {3, 4}}, {"f.bias", {3}}}, 1);
  Values<double> x = RandomValues(5 * 4, 2);
  Linear<double> linear("f");
  CheckModule(
      arrays, x, [&] { return linear.Forward(arrays, x); },
      [&](const auto& d_y, auto& grads) { return linear.Backward(arrays, d_y, grads); });
}

class ReferenceNorm : public testing::TestWithParam<NormKind> {};

TEST_P(ReferenceNorm, BackwardIsTheDerivativeOfForwardInTraining) {
  Arrays<double> arrays = RandomArrays(Shapes{{"n.weight", {4}},
                                              {"n.bias", {4}},
                                              {"n.running_mean", {4}},
                                              {"n.running_var", {4}},
                                              {"n.num_batches_tracked", {}}},
                                       1);
  Values<double> x = RandomValues(5 * 4, 2);
  Norm<double> norm(GetParam(), "n");
  CheckModule(
      arrays, x, [&] { return norm.Forward(arrays, x, Mode::kTraining); },
      [&](const auto& d_y, auto& grads) { return norm.Backward(arrays, d_y, grads); });
}

INSTANTIATE_TEST_SUITE_P(Kinds, ReferenceNorm,
                         testing::Values(NormKind::kBatch, NormKind::kLayer, NormKind::kNone),
                         [](const auto& test) {
                           return test.param == NormKind::kBatch   ? "Batch"
                                  : test.param == NormKind::kLayer ? "Layer"
                                                                   : "None";
                         });

TEST(ReferenceBlock, BackwardIsTheDerivativeOfForwardUnderDropout) {
  Arrays<double> arrays = RandomArrays(
      Shapes{{"s.0.weight", {3, 4}}, {"s.0.bias", {3}}, {"s.1.weight", {3}}, {"s.1.bias", {3}}}, 1);
  Values<double> x = RandomValues(5 * 4, 2);
  const Values<double> mask = RandomMask(5 * 3, 3);
  Block<double> block("s", 0, NormKind::kLayer);
  CheckModule(
      arrays, x, [&] { return block.Forward(arrays, x, mask, Mode::kTraining); },
      [&](const auto& d_y, auto& grads) { return block.Backward(arrays, d_y, grads); });
}

Shapes AttentionShapes(size_t width, size_t heads) {
  Shapes shapes;
  for (const char* map : {"a.linear_q", "a.linear_k", "a.linear_v"}) {
    shapes[std::string(map) + ".weight"] = {heads * width, width};
    shapes[std::string(map) + ".bias"] = {heads * width};
  }
  shapes["a.output_layer.weight"] = {heads * width, heads * width};
  shapes["a.output_layer.bias"] = {heads * width};
  return shapes;
}

TEST(ReferenceSelfAttention, BackwardIsTheDerivativeOfForward) {
  for (const size_t heads : {1u, 2u, 3u}) {
    Arrays<double> arrays = RandomArrays(AttentionShapes(4, heads), 1);
    Values<double> x = RandomValues(2 * 3 * 4, 2);
    SelfAttention<double> attention("a", heads);
    CheckModule(
        arrays, x, [&] { return attention.Forward(arrays, x, 3, 4); },
        [&](const auto& d_y, auto& grads) { return attention.Backward(arrays, d_y, grads); });
  }
}

TEST(ReferenceReadout, BackwardIsTheDerivativeOfForward) {
  Arrays<double> arrays = RandomArrays(Shapes{{"r.weight", {1, 8}}, {"r.bias", {1}}}, 1);
  Values<double> x = RandomValues(3 * 5 * 4, 2);
  Readout<double> readout("r");
  CheckModule(
      arrays, x, [&] { return readout.Forward(arrays, x, 5); },
      [&](const auto& d_y, auto& grads) { return readout.Backward(arrays, d_y, grads); });
}

TEST(ReferenceGlobalAttention, BackwardIsTheDerivativeOfForwardWithAnEmptyCentroidAndDropout) {
  const size_t batch = 3, width = 4, heads = 2, pe_width = 3, centroids = 5;
  Arrays<double> arrays =
      RandomArrays(Shapes{{"g.lin_proj_g.weight", {pe_width, width}},
                          {"g.lin_proj_g.bias", {pe_width}},
                          {"g.lin_query_g.weight", {heads * width, 2 * pe_width}},
                          {"g.lin_query_g.bias", {heads * width}},
                          {"g.lin_key_g.weight", {heads * width, 2 * pe_width}},
                          {"g.lin_key_g.bias", {heads * width}},
                          {"g.lin_value_g.weight", {heads * width, pe_width}},
                          {"g.lin_value_g.bias", {heads * width}},
                          {"g.vq._embedding_output", {centroids, 2 * pe_width}}},
                   1);
  Values<double> x = RandomValues(batch * width, 2), pe = RandomValues(batch * pe_width, 3);
  const Values<double> counts = {3, 0, 1, 7, 2};
  const Values<double> mask = RandomMask(batch * heads * centroids, 4);
  GlobalAttention<double> attention("g", heads);
  const auto forward = [&] { return attention.Forward(arrays, x, pe, counts, mask); };
  CheckModule(arrays, x, forward, [&](const auto& d_y, auto& grads) {
    return attention.Backward(arrays, d_y, grads).x;
  });
  CheckModule(arrays, pe, forward, [&](const auto& d_y, auto& grads) {
    return attention.Backward(arrays, d_y, grads).pe;
  });
}

TEST(ReferenceGlobalAttention, AnEmptyCentroidTakesNoPart) {
  Arrays<double> arrays = RandomArrays(Shapes{{"g.lin_proj_g.weight", {2, 3}},
                                              {"g.lin_proj_g.bias", {2}},
                                              {"g.lin_query_g.weight", {3, 4}},
                                              {"g.lin_query_g.bias", {3}},
                                              {"g.lin_key_g.weight", {3, 4}},
                                              {"g.lin_key_g.bias", {3}},
                                              {"g.lin_value_g.weight", {3, 2}},
                                              {"g.lin_value_g.bias", {3}},
                                              {"g.vq._embedding_output", {2, 4}}},
                                       1);
  const Values<double> x = RandomValues(3, 2), pe = RandomValues(2, 3);
  GlobalAttention<double> attention("g", 1);
  const Values<double> y = attention.Forward(arrays, x, pe, {0, 4}, {});
  const Array<double>& book = Get(arrays, "g.vq._embedding_output");
  const Values<double> only =
      Linear<double>("g.lin_value_g").Forward(arrays, {book.values[4], book.values[5]});
  for (size_t i = 0; i < 3; ++i) EXPECT_DOUBLE_EQ(y[i], only[i]);
}

TEST(ReferenceLosses, GradientsAreDerivatives) {
  Values<double> logits = RandomValues(4 * 3, 1);
  const std::vector<size_t> labels = {2, 0, 1, 1};
  const Values<double> weights = {0.5, 2, 1.25};
  for (const Values<double>& class_weights : {Values<double>{}, weights}) {
    ExpectGradient(
        CrossEntropy(logits, labels, class_weights).d_logits,
        NumericGradient(logits, [&] { return CrossEntropy(logits, labels, class_weights).value; }),
        "cross entropy");
    const std::vector<uint8_t> targets = {0, 1, 2, 1, 1, 0, 2, 2, 2, 0, 0, 1};
    ExpectGradient(
        BinaryCrossEntropy(logits, targets, class_weights).d_logits,
        NumericGradient(logits,
                        [&] { return BinaryCrossEntropy(logits, targets, class_weights).value; }),
        "binary cross entropy");
  }
}

TEST(ReferenceLosses, AreWhatTheirFormulasGive) {
  // -log(e^2 / (e^0 + e^2)) and -log(1/2), weights 3 and 1, over two nodes.
  EXPECT_NEAR(CrossEntropy<double>({0, 2, 5, 5}, {1, 0}, {1, 3}).value,
              (3 * std::log1p(std::exp(-2.0)) + std::log(2.0)) / 2, 1e-15);
  // log(1 + e^-1) for target 1, log(1 + e^-1) for target 0 at -1, one of four entries unlabelled.
  EXPECT_NEAR(BinaryCrossEntropy<double>({1, -1, 0, 3}, {1, 0, 1, 2}, {}).value,
              (2 * std::log1p(std::exp(-1.0)) + std::log(2.0)) / 4, 1e-15);
  // As torch.nn.BCEWithLogitsLoss(pos_weight=[3, 0.5]) gives it.
  EXPECT_NEAR(BinaryCrossEntropy<double>({1, -1, 0, 3}, {1, 0, 1, 1}, {3, 0.5}).value,
              0.8391954918848996, 1e-15);
  // No overflow far out.
  EXPECT_NEAR(BinaryCrossEntropy<double>({800, -800}, {0, 1}, {}).value, 800, 1e-12);
}

TEST(ReferenceAdam, FirstStepMovesEveryWeightByTheRateAndDecay) {
  Arrays<double> state{{"w", {{2}, {1.0, -2.0}}}, {"unused", {{1}, {5.0}}}};
  AdamOptions options;
  options.learning_rate = 0.1;
  options.epsilon = 0;
  options.weight_decay = 0.5;
  Adam<double>(options).Step(state, {{"w", {{2}, {4.0, -1e-3}}}});
  EXPECT_NEAR(state["w"].values[0], 0.95 * 1 - 0.1, 1e-15);
  EXPECT_NEAR(state["w"].values[1], 0.95 * -2 + 0.1, 1e-15);
  EXPECT_EQ(state["unused"].values[0], 5.0);
}

}  // namespace
}  // namespace quadhop::reference
