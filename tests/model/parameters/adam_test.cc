// The optimiser against the reference's, in double.
#include "model/parameters/adam.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "core/base/rng.h"
#include "tests/model/arrays.h"
#include "tests/model/test_kernels.h"
#include "tests/reference/adam.h"

namespace quadhop {
namespace {

constexpr int64_t kSteps = 8;

// More parameters than one block of work.
LargeGTOptions Options() {
  LargeGTOptions options;
  options.dims = {.features = 51, .width = 79, .heads = 2, .classes = 5};
  options.conv = Conv::kNone;
  return options;
}

void FillGradients(int64_t step, ParameterSet& parameters) {
  RandomStream random(6, RandomPurpose::kTest, static_cast<uint64_t>(step), 0);
  Change<float>(parameters.memory(), parameters.trained_gradients(),
                [&](float) { return static_cast<float>(random.Normal()); });
}

reference::Arrays<double> ArraysOf(ParameterSet& parameters, bool gradients, double factor) {
  reference::Arrays<double> arrays;
  for (const Parameter& p : parameters.parameters()) {
    const TensorView<float> view =
        gradients ? parameters.gradient(p.name) : parameters.value(p.name);
    reference::Array<double>& out = arrays[p.name];
    out.dims.assign(p.dims.begin(), p.dims.end());
    const std::vector<float> values = ToHost(parameters.memory(), view);
    out.values.assign(values.begin(), values.end());
    for (double& value : out.values) value *= factor;
  }
  return arrays;
}

double NormOfGradients(ParameterSet& parameters) {
  double squares = 0;
  for (const float g : ToHost(parameters.memory(), parameters.trained_gradients()))
    squares += std::pow(double{g}, 2);
  return std::sqrt(squares);
}

void ExpectTheReferencesSteps(const AdamOptions& options) {
  ThreadPool pool(2);
  const std::unique_ptr<Kernels> kernels = MakeTestKernels(pool);
  ParameterSet parameters(Options(), kernels->memory());
  ASSERT_GT(parameters.trained_size(), 2 * 16384);
  Adam adam(options, parameters);
  reference::Arrays<double> expected = ArraysOf(parameters, /*gradients=*/false, 1);
  reference::Adam<double> reference_adam(
      {.learning_rate = 0.02, .weight_decay = options.weight_decay});
  for (int64_t step = 0; step < kSteps; ++step) {
    FillGradients(step, parameters);
    const double norm = NormOfGradients(parameters);
    const bool clip = options.clip_norm > 0 && norm > options.clip_norm;
    reference_adam.Step(expected, ArraysOf(parameters, true, clip ? options.clip_norm / norm : 1));
    adam.Apply(*kernels, 0.02, parameters);
  }
  EXPECT_EQ(adam.num_steps(), kSteps);
  for (const auto& [name, array] : expected) {
    const std::vector<float> value = ToHost(parameters.memory(), parameters.value(name));
    // Each step rounds the value (of at most 1) and a step of at most 0.02 * 10, ten times over.
    for (size_t i = 0; i < array.values.size(); ++i)
      ASSERT_NEAR(double{value[i]}, array.values[i], kSteps * 5e-7) << name << "[" << i << "]";
  }
}

TEST(Adam, StepsAsTheReference) { ExpectTheReferencesSteps({}); }

TEST(Adam, DecaysWeightsApartFromTheGradient) { ExpectTheReferencesSteps({.weight_decay = 0.3}); }

TEST(Adam, ClipsAGradientWhoseNormIsTooLarge) {
  // The norm of n normal values is about sqrt(n), here 190.
  ExpectTheReferencesSteps({.clip_norm = 1e-6});  // where the epsilon of Adam is felt
  ExpectTheReferencesSteps({.weight_decay = 0.1, .clip_norm = 3});
}

TEST(Adam, LeavesAGradientWithinTheNormAlone) { ExpectTheReferencesSteps({.clip_norm = 1000}); }

}  // namespace
}  // namespace quadhop
