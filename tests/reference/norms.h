// Batch norm (Ioffe and Szegedy, arXiv 1502.03167) and layer norm (Ba et al., arXiv 1607.06450), as
// torch defines them: biased variance in the norm, unbiased in the running variance, momentum 0.1.
#pragma once

#include <cmath>
#include <string>
#include <tuple>
#include <utility>

#include "tests/reference/arrays.h"

namespace quadhop::reference {

enum class Mode { kTraining, kEvaluation };

inline constexpr double kNormEpsilon = 1e-5;  // added to the variance
inline constexpr double kNormMomentum = 0.1;  // share of the batch in the running moments

// d_x of y = (x - mean(x)) / sqrt(var(x) + epsilon) over one set of n values, given y and d_y:
//   d_x = (d_y - mean(d_y) - y mean(d_y y)) / sqrt(var + epsilon).
// `at(i)` is the place of value i of the set.
template <typename T, typename At>
void NormalizeBackward(const Values<T>& y, const Values<T>& d_y, T inv_std, size_t n, At at,
                       Values<T>& d_x) {
  T mean_d = 0, mean_dy = 0;
  for (size_t i = 0; i < n; ++i) {
    mean_d += d_y[at(i)];
    mean_dy += d_y[at(i)] * y[at(i)];
  }
  mean_d /= static_cast<T>(n);
  mean_dy /= static_cast<T>(n);
  for (size_t i = 0; i < n; ++i) d_x[at(i)] = (d_y[at(i)] - mean_d - y[at(i)] * mean_dy) * inv_std;
}

// The two moments of the n values x[at(i)]: mean and biased variance.
template <typename T, typename At>
std::pair<T, T> Moments(const Values<T>& x, size_t n, At at) {
  T mean = 0, variance = 0;
  for (size_t i = 0; i < n; ++i) mean += x[at(i)];
  mean /= static_cast<T>(n);
  for (size_t i = 0; i < n; ++i) variance += (x[at(i)] - mean) * (x[at(i)] - mean);
  return {mean, variance / static_cast<T>(n)};
}

// Normalization of x [rows, width] without scale and shift: over rows (batch norm) or columns.
template <typename T>
class BatchNormalize {
 public:
  explicit BatchNormalize(std::string name) : name_(std::move(name)) {}

  // Training normalizes by the moments of the batch and moves the running ones in `state`;
  // evaluation uses the running ones. Training needs at least 2 rows.
  Values<T> Forward(Arrays<T>& state, const Values<T>& x, Mode mode) {
    Values<T>& running_mean = Get(state, name_ + ".running_mean").values;
    Values<T>& running_var = Get(state, name_ + ".running_var").values;
    width_ = running_mean.size();
    const size_t rows = x.size() / width_;
    inv_std_.assign(width_, T{0});
    y_.assign(x.size(), T{0});
    for (size_t c = 0; c < width_; ++c) {
      T mean = running_mean[c], variance = running_var[c];
      if (mode == Mode::kTraining) {
        QH_CHECK_GE(rows, 2u);
        std::tie(mean, variance) = Moments(x, rows, [&](size_t r) { return r * width_ + c; });
        const T unbiased = variance * static_cast<T>(rows) / static_cast<T>(rows - 1);
        Move(running_mean[c], mean);
        Move(running_var[c], unbiased);
      }
      inv_std_[c] = T{1} / std::sqrt(variance + static_cast<T>(kNormEpsilon));
      for (size_t r = 0; r < rows; ++r)
        y_[r * width_ + c] = (x[r * width_ + c] - mean) * inv_std_[c];
    }
    if (mode == Mode::kTraining) Get(state, name_ + ".num_batches_tracked").values[0] += T{1};
    return y_;
  }

  // For a Forward in training.
  Values<T> Backward(const Values<T>& d_y) const {
    Values<T> d_x(y_.size());
    for (size_t c = 0; c < width_; ++c)
      NormalizeBackward(
          y_, d_y, inv_std_[c], y_.size() / width_, [&](size_t r) { return r * width_ + c; }, d_x);
    return d_x;
  }

 private:
  static void Move(T& running, T batch) {
    running += static_cast<T>(kNormMomentum) * (batch - running);
  }

  std::string name_;
  size_t width_ = 0;
  Values<T> y_;        // [rows, width]
  Values<T> inv_std_;  // [width]
};

// Each row on its own.
template <typename T>
class RowNormalize {
 public:
  Values<T> Forward(const Values<T>& x, size_t width) {
    width_ = width;
    inv_std_.assign(x.size() / width, T{0});
    y_.assign(x.size(), T{0});
    for (size_t r = 0; r < inv_std_.size(); ++r) {
      const auto [mean, variance] = Moments(x, width, [&](size_t i) { return r * width + i; });
      inv_std_[r] = T{1} / std::sqrt(variance + static_cast<T>(kNormEpsilon));
      for (size_t i = 0; i < width; ++i)
        y_[r * width + i] = (x[r * width + i] - mean) * inv_std_[r];
    }
    return y_;
  }

  Values<T> Backward(const Values<T>& d_y) const {
    Values<T> d_x(y_.size());
    for (size_t r = 0; r < inv_std_.size(); ++r)
      NormalizeBackward(
          y_, d_y, inv_std_[r], width_, [&](size_t i) { return r * width_ + i; }, d_x);
    return d_x;
  }

 private:
  size_t width_ = 0;
  Values<T> y_;        // [rows, width]
  Values<T> inv_std_;  // [rows]
};

enum class NormKind { kBatch, kLayer, kNone };

// y = normalize(x) * weight + bias, x [rows, width]; kNone: y = x, and no parameters.
template <typename T>
class Norm {
 public:
  Norm(NormKind kind, std::string name) : kind_(kind), name_(std::move(name)), batch_(name_) {}

  Values<T> Forward(Arrays<T>& state, const Values<T>& x, Mode mode) {
    if (kind_ == NormKind::kNone) return x;
    const Values<T>& weight = Get(state, name_ + ".weight").values;
    const Values<T>& bias = Get(state, name_ + ".bias").values;
    normalized_ =
        kind_ == NormKind::kBatch ? batch_.Forward(state, x, mode) : row_.Forward(x, weight.size());
    Values<T> y(x.size());
    for (size_t i = 0; i < x.size(); ++i)
      y[i] = normalized_[i] * weight[i % weight.size()] + bias[i % weight.size()];
    return y;
  }

  Values<T> Backward(const Arrays<T>& state, const Values<T>& d_y, Arrays<T>& grads) const {
    if (kind_ == NormKind::kNone) return d_y;
    const Values<T>& weight = Get(state, name_ + ".weight").values;
    Values<T>& d_weight = GradientOf(state, name_ + ".weight", grads);
    Values<T>& d_bias = GradientOf(state, name_ + ".bias", grads);
    Values<T> d_normalized(d_y.size());
    for (size_t i = 0; i < d_y.size(); ++i) {
      const size_t c = i % weight.size();
      d_weight[c] += d_y[i] * normalized_[i];
      d_bias[c] += d_y[i];
      d_normalized[i] = d_y[i] * weight[c];
    }
    return kind_ == NormKind::kBatch ? batch_.Backward(d_normalized) : row_.Backward(d_normalized);
  }

 private:
  NormKind kind_;
  std::string name_;
  BatchNormalize<T> batch_;
  RowNormalize<T> row_;
  Values<T> normalized_;  // [rows, width]
};

}  // namespace quadhop::reference
