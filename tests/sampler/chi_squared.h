// Pearson's chi-squared test of counts against probabilities.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <map>

namespace quadhop {

// Expects counts (of outcomes, num_draws in all) to be drawn from `probabilities`. Seeds are fixed,
// so a right sampler fails never or always; the bound is the quantile that a normal variable passes
// once in 10^4, by Wilson and Hilferty's cube.
template <typename Outcome>
void ExpectDrawnFrom(const std::map<Outcome, double>& probabilities,
                     const std::map<Outcome, int64_t>& counts, int64_t num_draws) {
  double chi_squared = 0;
  int64_t counted = 0;
  for (const auto& [outcome, probability] : probabilities) {
    const double expected = probability * static_cast<double>(num_draws);
    ASSERT_GE(expected, 5) << "too few draws for the test";
    const auto found = counts.find(outcome);
    const int64_t count = found == counts.end() ? 0 : found->second;
    counted += count;
    const double difference = static_cast<double>(count) - expected;
    chi_squared += difference * difference / expected;
  }
  EXPECT_EQ(counted, num_draws) << "an outcome that cannot be was drawn";
  const double freedom = static_cast<double>(probabilities.size()) - 1;
  constexpr double kQuantile = 3.72;
  const double scale = 2 / (9 * freedom);
  EXPECT_LT(chi_squared, freedom * std::pow(1 - scale + kQuantile * std::sqrt(scale), 3))
      << freedom << " degrees of freedom";
}

}  // namespace quadhop
