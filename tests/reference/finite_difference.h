// Central differences, against which hand-written gradients are checked.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>

#include "core/base/rng.h"
#include "tests/reference/arrays.h"

namespace quadhop::reference {

// The step at which the truncation of a central difference (step^2) meets its rounding
// (epsilon / step).
inline double DifferenceStep() { return std::cbrt(std::numeric_limits<double>::epsilon()); }

// The gradient of loss() by x, which loss() reads; x is as before on return.
inline Values<double> NumericGradient(Values<double>& x, const std::function<double()>& loss) {
  const double step = DifferenceStep();
  Values<double> gradient(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    const double value = x[i];
    x[i] = value + step;
    const double above = loss();
    x[i] = value - step;
    const double below = loss();
    x[i] = value;
    gradient[i] = (above - below) / (2 * step);
  }
  return gradient;
}

// Both errors of a central difference are about epsilon^(2/3) = 4e-11 times the loss and its third
// derivatives, which are below 1e3 in these tests: 4e-8 times the largest gradient (or 1).
inline void ExpectGradient(const Values<double>& actual, const Values<double>& numeric,
                           const std::string& what) {
  ASSERT_EQ(actual.size(), numeric.size()) << what;
  double largest = 1;
  for (const double value : numeric) largest = std::max(largest, std::abs(value));
  for (size_t i = 0; i < actual.size(); ++i)
    ASSERT_NEAR(actual[i], numeric[i], 1e3 * DifferenceStep() * DifferenceStep() * largest)
        << what << "[" << i << "]";
}

// Standard normal values.
inline Values<double> RandomValues(size_t size, uint64_t seed) {
  RandomStream random(seed, RandomPurpose::kTest, 0, 0);
  Values<double> values(size);
  for (double& value : values) value = random.Normal();
  return values;
}

// Multipliers that drop about a third: 0 or 1/keep.
inline Values<double> RandomMask(size_t size, uint64_t seed) {
  RandomStream random(seed, RandomPurpose::kTest, 1, 0);
  Values<double> mask(size);
  for (double& value : mask) value = random.Uniform() < 1.0 / 3 ? 0.0 : 1.5;
  return mask;
}

inline double Dot(const Values<double>& a, const Values<double>& b) {
  QH_CHECK_EQ(a.size(), b.size());
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// Arrays of the given dims: weights random (around 1 where they scale), buffers as a run would
// leave them (variances and sizes positive).
inline Arrays<double> RandomArrays(const std::map<std::string, std::vector<size_t>>& shapes,
                                   uint64_t seed) {
  Arrays<double> arrays;
  for (const auto& [name, dims] : shapes) {
    size_t size = 1;
    for (const size_t dim : dims) size *= dim;
    Values<double> values = RandomValues(size, ++seed);
    const bool is_positive = name.find("running_var") != std::string::npos ||
                             name.find("cluster_size") != std::string::npos;
    for (double& value : values) value = is_positive ? 0.5 + std::abs(value) : 0.5 * value;
    arrays[name] = {dims, values};
  }
  return arrays;
}

// Checks Backward of a module against its Forward: forward(x) -> y reads `arrays`; backward(d_y,
// grads) -> d_x adds to grads. The loss is a fixed random projection of y.
inline void CheckModule(
    Arrays<double>& arrays, Values<double>& x, const std::function<Values<double>()>& forward,
    const std::function<Values<double>(const Values<double>&, Arrays<double>&)>& backward) {
  const Values<double> d_y = RandomValues(forward().size(), 99);
  Arrays<double> grads;
  const Values<double> d_x = backward(d_y, grads);
  const auto loss = [&] { return Dot(forward(), d_y); };
  ExpectGradient(d_x, NumericGradient(x, loss), "x");
  for (const auto& [name, grad] : grads)
    ExpectGradient(grad.values, NumericGradient(Get(arrays, name).values, loss), name);
}

}  // namespace quadhop::reference
