// Softmax, ReLU and dropout, forward and backward.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/reference/arrays.h"

namespace quadhop::reference {

// p_i = exp(s_i) / sum_j exp(s_j) of each row of `scores` [rows, width]. Scores may be -inf (then p
// is 0), but not all of a row.
template <typename T>
Values<T> Softmax(const Values<T>& scores, size_t width) {
  Values<T> p(scores.size());
  for (size_t begin = 0; begin < scores.size(); begin += width) {
    T largest = -std::numeric_limits<T>::infinity();
    for (size_t i = begin; i < begin + width; ++i) largest = std::max(largest, scores[i]);
    QH_CHECK(std::isfinite(largest));
    T sum = 0;
    for (size_t i = begin; i < begin + width; ++i) sum += p[i] = std::exp(scores[i] - largest);
    for (size_t i = begin; i < begin + width; ++i) p[i] /= sum;
  }
  return p;
}

// d_s_i = p_i (d_p_i - sum_j p_j d_p_j).
template <typename T>
Values<T> SoftmaxBackward(const Values<T>& p, const Values<T>& d_p, size_t width) {
  Values<T> d_scores(p.size());
  for (size_t begin = 0; begin < p.size(); begin += width) {
    T dot = 0;
    for (size_t i = begin; i < begin + width; ++i) dot += p[i] * d_p[i];
    for (size_t i = begin; i < begin + width; ++i) d_scores[i] = p[i] * (d_p[i] - dot);
  }
  return d_scores;
}

// Dropout by an explicit mask of multipliers, 0 or 1/keep, so that another model's masks can be
// plugged in. An empty mask drops nothing. It is its own backward.
template <typename T>
Values<T> Dropout(const Values<T>& x, const Values<T>& mask) {
  if (mask.empty()) return x;
  QH_CHECK_EQ(x.size(), mask.size());
  Values<T> y(x);
  for (size_t i = 0; i < x.size(); ++i) y[i] *= mask[i];
  return y;
}

template <typename T>
Values<T> Relu(const Values<T>& x) {
  Values<T> y(x);
  for (T& value : y) value = value > T{0} ? value : T{0};
  return y;
}

// `y` is what Relu gave.
template <typename T>
Values<T> ReluBackward(const Values<T>& y, const Values<T>& d_y) {
  Values<T> d_x(d_y);
  for (size_t i = 0; i < y.size(); ++i)
    if (!(y[i] > T{0})) d_x[i] = T{0};
  return d_x;
}

}  // namespace quadhop::reference
