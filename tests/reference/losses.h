// Losses and their gradients by the logits [B, C].
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "tests/reference/activations.h"

namespace quadhop::reference {

template <typename T>
struct Loss {
  T value = 0;
  Values<T> d_logits;  // [B, C]
};

// sum_b weight_{y_b} (-log softmax(logits_b)_{y_b}) / B, labels [B] in [0, C), class_weights [C] or
// empty (all 1). Divided by the number of nodes, not by the sum of their weights as torch does:
// then a slice of a batch needs no other slice's labels.
template <typename T>
Loss<T> CrossEntropy(const Values<T>& logits, const std::vector<size_t>& labels,
                     const Values<T>& class_weights) {
  const size_t batch = labels.size(), classes = logits.size() / batch;
  const Values<T> p = Softmax(logits, classes);
  Loss<T> loss{T{0}, p};
  for (size_t b = 0; b < batch; ++b) {
    const T* row = &logits[b * classes];
    T largest = row[0], sum = 0;
    for (size_t c = 0; c < classes; ++c) largest = std::max(largest, row[c]);
    for (size_t c = 0; c < classes; ++c) sum += std::exp(row[c] - largest);
    const T weight = class_weights.empty() ? T{1} : class_weights[labels[b]];
    const T share = weight / static_cast<T>(batch);
    loss.value += share * (std::log(sum) + largest - row[labels[b]]);
    for (size_t c = 0; c < classes; ++c)
      loss.d_logits[b * classes + c] =
          share * (p[b * classes + c] - (c == labels[b] ? T{1} : T{0}));
  }
  return loss;
}

inline constexpr uint8_t kNoTarget = 2;  // as kUnlabelledMulti in a store

// Binary cross entropy with logits over targets [B, C] of 0, 1 or kNoTarget:
//   sum over labelled entries of w (log(1 + exp(l)) - y l) / (B C),
// w = class_weights[c] where y is 1, else 1 (torch's pos_weight); class_weights [C] or empty.
template <typename T>
Loss<T> BinaryCrossEntropy(const Values<T>& logits, const std::vector<uint8_t>& targets,
                           const Values<T>& class_weights) {
  QH_CHECK_EQ(logits.size(), targets.size());
  Loss<T> loss{T{0}, Values<T>(logits.size(), T{0})};
  const T share = T{1} / static_cast<T>(logits.size());
  for (size_t i = 0; i < logits.size(); ++i) {
    if (targets[i] == kNoTarget) continue;
    const T l = logits[i], y = static_cast<T>(targets[i]);
    const T w =
        class_weights.empty() || targets[i] == 0 ? T{1} : class_weights[i % class_weights.size()];
    // log(1 + exp(l)) without overflow.
    loss.value += w * share * (std::max(l, T{0}) + std::log1p(std::exp(-std::abs(l))) - y * l);
    loss.d_logits[i] = w * share * (T{1} / (T{1} + std::exp(-l)) - y);
  }
  return loss;
}

}  // namespace quadhop::reference
