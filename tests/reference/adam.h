// Adam (Kingma and Ba, arXiv 1412.6980) in torch's form, with optional decoupled weight decay
// (Loshchilov and Hutter, arXiv 1711.05101).
#pragma once

#include <cmath>
#include <cstdint>

#include "tests/reference/arrays.h"

namespace quadhop::reference {

struct AdamOptions {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
};

template <typename T>
class Adam {
 public:
  explicit Adam(const AdamOptions& options) : options_(options) {}

  // Moves every parameter of `state` that has a gradient:
  //   w -= rate decay w;  m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;
  //   w -= rate / (1 - b1^t) m / (sqrt(v) / sqrt(1 - b2^t) + epsilon).
  void Step(Arrays<T>& state, const Arrays<T>& grads) {
    ++step_;
    const T b1 = static_cast<T>(options_.beta1), b2 = static_cast<T>(options_.beta2);
    const double correction1 = 1 - std::pow(options_.beta1, static_cast<double>(step_));
    const double correction2 = 1 - std::pow(options_.beta2, static_cast<double>(step_));
    const T rate = static_cast<T>(options_.learning_rate / correction1);
    const T root = static_cast<T>(std::sqrt(correction2));
    const T keep = static_cast<T>(1 - options_.learning_rate * options_.weight_decay);
    for (const auto& [name, grad] : grads) {
      Values<T>& w = Get(state, name).values;
      Values<T>& m = GradientOf(state, name, first_);
      Values<T>& v = GradientOf(state, name, second_);
      for (size_t i = 0; i < w.size(); ++i) {
        const T g = grad.values[i];
        m[i] = b1 * m[i] + (T{1} - b1) * g;
        v[i] = b2 * v[i] + (T{1} - b2) * g * g;
        w[i] =
            keep * w[i] - rate * m[i] / (std::sqrt(v[i]) / root + static_cast<T>(options_.epsilon));
      }
    }
  }

 private:
  AdamOptions options_;
  int64_t step_ = 0;
  Arrays<T> first_, second_;  // the moments, under the names of their parameters
};

}  // namespace quadhop::reference
