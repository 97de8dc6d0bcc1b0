#include "tests/golden/golden_check.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cmath>

#include "tests/support/norms.h"

namespace quadhop::golden {
namespace {

// A gradient of the case is rounding noise if it is below this share of the largest: the cases are
// in double, whose noise is near 1e-16 of it.
constexpr double kZeroGradient = 1e-12;

double LargestGradient(const GoldenCase& golden) {
  double largest = 0;
  for (const auto& [name, gradient] : golden.gradients)
    largest = std::max(largest, LargestOf(gradient.values));
  return largest;
}

void CompareGradients(const GoldenCase& golden, const GoldenOutcome& outcome,
                      const GoldenBounds& bounds, std::vector<GoldenCheck>* checks) {
  const double largest = LargestGradient(golden);
  for (const auto& [name, gradient] : golden.gradients) {
    const auto found = outcome.gradients.find(name);
    const std::vector<double> actual = found != outcome.gradients.end()
                                           ? found->second.values
                                           : std::vector<double>(gradient.values.size(), 0.0);
    if (actual.size() == gradient.values.size() &&
        LargestOf(gradient.values) <= kZeroGradient * largest) {
      checks->push_back(
          {"zero gradient " + name,
           LargestOf(Difference(actual, gradient.values)) / (largest > 0 ? largest : 1),
           bounds.zero_gradients});
    } else {
      checks->push_back(
          {"gradient " + name, RelativeError(actual, gradient.values), bounds.gradients});
    }
  }
}

// Without the parameters whose gradient is 0: Adam turns its noise into steps of any size.
void CompareState(const GoldenCase& golden, const GoldenOutcome& outcome,
                  const GoldenBounds& bounds, std::vector<GoldenCheck>* checks) {
  const double zero = kZeroGradient * LargestGradient(golden);
  for (const auto& [name, array] : outcome.state_after) {
    const auto gradient = golden.gradients.find(name);
    if (gradient != golden.gradients.end() && LargestOf(gradient->second.values) <= zero) continue;
    const auto expected = golden.state_after.find(name);
    checks->push_back(
        {"state_after " + name,
         expected == golden.state_after.end()
             ? std::numeric_limits<double>::infinity()
             : RelativeError(array.values, expected->second.values),
         absl::StrContains(name, "running_mean") ? bounds.running_means : bounds.state_after});
  }
}

GoldenBounds AllBounds(double bound) {
  return {.eval_before = bound,
          .first_logits = bound,
          .later_logits = bound,
          .gradients = bound,
          .zero_gradients = bound,
          .losses = bound,
          .state_after = bound,
          .running_means = bound,
          .eval_after = bound};
}

}  // namespace

GoldenBounds NoBounds() { return AllBounds(kNoBound); }

GoldenBounds DoubleBounds(const GoldenCase& golden) {
  GoldenBounds bounds = AllBounds(1e-8);
  if (golden.norm == "batch_norm" && golden.steps > 10)
    bounds.running_means = bounds.eval_after = 1e-6;
  return bounds;
}

GoldenBounds FloatBounds(const GoldenCase& golden) {
  GoldenBounds bounds = NoBounds();
  bounds.eval_before = 1e-5;
  bounds.first_logits = 1e-5;
  bounds.gradients = 1e-4;
  bounds.zero_gradients = 1e-6;
  bounds.losses = 1e-4;
  bounds.eval_after = golden.norm == "batch_norm" ? 5e-2 : 1e-4;
  return bounds;
}

std::vector<GoldenCheck> CompareWithGolden(const GoldenCase& golden, const GoldenOutcome& outcome,
                                           const GoldenBounds& bounds) {
  std::vector<GoldenCheck> checks;
  const auto compare = [&](const std::string& what, const std::vector<double>& actual,
                           const std::vector<double>& expected, double bound) {
    checks.push_back({what, RelativeError(actual, expected), bound});
  };
  compare("eval_before logits", outcome.eval_before, golden.eval_before, bounds.eval_before);
  for (size_t s = 0; s < golden.step_logits.size(); ++s)
    compare(absl::StrCat("logits of step ", s),
            s < outcome.step_logits.size() ? outcome.step_logits[s] : std::vector<double>(),
            golden.step_logits[s], s == 0 ? bounds.first_logits : bounds.later_logits);
  CompareGradients(golden, outcome, bounds, &checks);
  for (size_t s = 0; s < golden.losses.size(); ++s)
    compare(
        absl::StrCat("loss of step ", s),
        s < outcome.losses.size() ? std::vector<double>{outcome.losses[s]} : std::vector<double>(),
        {golden.losses[s]}, bounds.losses);
  CompareState(golden, outcome, bounds, &checks);
  compare("eval_after logits", outcome.eval_after, golden.eval_after, bounds.eval_after);
  return checks;
}

}  // namespace quadhop::golden
