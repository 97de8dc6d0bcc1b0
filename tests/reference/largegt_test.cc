// The whole reference model by finite differences in double: by every parameter and every input,
// for all kinds of convolution and norm, with a mask at every dropout and an empty centroid.
#include "tests/reference/largegt.h"

#include <gtest/gtest.h>

#include <string>
#include <tuple>

#include "tests/reference/finite_difference.h"
#include "tests/reference/kind_name.h"
#include "tests/reference/losses.h"
#include "tests/reference/shapes.h"

namespace quadhop::reference {
namespace {

constexpr size_t kBatch = 4, kTokens = 3, kNodes = 9;
constexpr ModelDims kDims{.features = 3, .width = 4, .classes = 3, .pe_width = 2, .centroids = 4};

Inputs<double> RandomInputs() {
  Inputs<double> in;
  in.tokens_per_node = kTokens;
  in.tokens = RandomValues(kBatch * kTokens * kDims.features, 11);
  in.x = RandomValues(kBatch * kDims.features, 12);
  in.pe = RandomValues(kBatch * kDims.pe_width, 13);
  in.nodes = {7, 0, 3, 8};
  return in;
}

DropoutMasks<double> RandomMasks(size_t heads) {
  const size_t wide = heads * kDims.width;
  DropoutMasks<double> masks;
  masks.input = RandomMask(kBatch * kDims.width, 21);
  masks.tokens = RandomMask(kBatch * kTokens * kDims.width, 22);
  masks.attention_out = RandomMask(kBatch * kTokens * wide, 23);
  masks.residual = RandomMask(kBatch * kTokens * wide, 24);
  masks.global_attention = RandomMask(kBatch * heads * kDims.centroids, 25);
  masks.first_feed_forward = RandomMask(kBatch * wide, 26);
  masks.second_feed_forward = RandomMask(kBatch * kDims.width, 27);
  return masks;
}

LargeGT<double> RandomModel(const ModelOptions& options) {
  // Centroid 2 has no nodes.
  return {options, RandomArrays(StateShapes(options, kDims), 31), {0, 1, 1, 3, 0, 3, 3, 1, 0}};
}

class ReferenceLargeGT : public testing::TestWithParam<std::tuple<Conv, NormKind, size_t>> {};

TEST_P(ReferenceLargeGT, BackwardIsTheDerivativeOfTheLossByEveryParameterAndInput) {
  ModelOptions options;
  std::tie(options.conv, options.norm, options.heads) = GetParam();
  LargeGT<double> model = RandomModel(options);
  Inputs<double> in = RandomInputs();
  const DropoutMasks<double> masks = RandomMasks(options.heads);
  const std::vector<size_t> labels = {2, 0, 1, 1};

  LargeGT<double> used = model;
  const auto gradients =
      used.Backward(CrossEntropy(used.Forward(in, masks, Mode::kTraining), labels, {}).d_logits);
  const auto loss = [&] {  // at the codebook before its move
    LargeGT<double> copy = model;
    return CrossEntropy(copy.Forward(in, masks, Mode::kTraining), labels, {}).value;
  };

  size_t num_parameters = 0;
  for (const auto& [name, dims] : StateShapes(options, kDims)) {
    if (IsBuffer(name)) continue;
    ++num_parameters;
    ASSERT_TRUE(gradients.parameters.count(name)) << name;
    ExpectGradient(gradients.parameters.at(name).values,
                   NumericGradient(model.state().at(name).values, loss), name);
  }
  EXPECT_EQ(num_parameters, gradients.parameters.size());
  if (!gradients.tokens.empty())
    ExpectGradient(gradients.tokens, NumericGradient(in.tokens, loss), "tokens");
  if (!gradients.x.empty()) ExpectGradient(gradients.x, NumericGradient(in.x, loss), "x");
  if (!gradients.pe.empty()) ExpectGradient(gradients.pe, NumericGradient(in.pe, loss), "pe");
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, ReferenceLargeGT,
    testing::Combine(testing::Values(Conv::kFull, Conv::kLocal, Conv::kGlobal, Conv::kNone),
                     testing::Values(NormKind::kBatch, NormKind::kLayer, NormKind::kNone),
                     testing::Values(1u, 2u)),
    KindName<ReferenceLargeGT::ParamType>);

TEST(ReferenceLargeGT, EvaluationChangesNothing) {
  LargeGT<double> model = RandomModel({});
  const LargeGT<double> before = model;
  model.Forward(RandomInputs(), {}, Mode::kEvaluation);
  for (const auto& [name, array] : before.state())
    EXPECT_EQ(array.values, model.state().at(name).values) << name;
  EXPECT_EQ(before.codes(), model.codes());
}

}  // namespace
}  // namespace quadhop::reference
