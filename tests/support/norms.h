// How far computed values are from expected ones. For vectors of any kind of float.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/base/check.h"

namespace quadhop {

template <typename Values>
double LargestOf(const Values& values) {
  double largest = 0;
  for (const double value : values) largest = std::max(largest, std::abs(value));
  return largest;
}

template <typename Values>
double Norm(const Values& values) {
  double squares = 0;
  for (const double value : values) squares += value * value;
  return std::sqrt(squares);
}

// Sizes must be equal.
template <typename Actual, typename Expected>
std::vector<double> Difference(const Actual& actual, const Expected& expected) {
  QH_CHECK_EQ(actual.size(), expected.size());
  std::vector<double> difference(expected.begin(), expected.end());
  for (size_t i = 0; i < difference.size(); ++i) difference[i] = double{actual[i]} - difference[i];
  return difference;
}

// The norm of the difference over that of what is expected, or the former if the latter is 0.
// Infinite if sizes differ.
template <typename Actual, typename Expected>
double RelativeError(const Actual& actual, const Expected& expected) {
  if (actual.size() != expected.size()) return std::numeric_limits<double>::infinity();
  const double error = Norm(Difference(actual, expected)), norm = Norm(expected);
  return norm > 0 ? error / norm : error;
}

}  // namespace quadhop
