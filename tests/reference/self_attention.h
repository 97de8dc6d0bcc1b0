// Multi-head self-attention whose heads are each as wide as the input (Vaswani et al., arXiv
// 1706.03762, with d_k = d_v = H):
//   P_h = softmax(Q_h K_h^T / sqrt(H)),  y = [P_1 V_1, ..., P_h V_h] Wo^T + bo.
#pragma once

#include <cmath>
#include <string>

#include "tests/reference/activations.h"
#include "tests/reference/linear.h"

namespace quadhop::reference {

template <typename T>
class SelfAttention {
 public:
  SelfAttention(const std::string& name, size_t heads)
      : heads_(heads),
        query_(name + ".linear_q"),
        key_(name + ".linear_k"),
        value_(name + ".linear_v"),
        output_(name + ".output_layer") {}

  // x [B, S, H] -> [B, S, hH].
  Values<T> Forward(const Arrays<T>& state, const Values<T>& x, size_t tokens, size_t width) {
    tokens_ = tokens;
    width_ = width;
    batch_ = x.size() / (tokens * width);
    q_ = query_.Forward(state, x);
    k_ = key_.Forward(state, x);
    v_ = value_.Forward(state, x);
    Values<T> scores(batch_ * heads_ * tokens * tokens);
    ForEachPair([&](size_t pair, size_t row, size_t column) {
      T dot = 0;
      for (size_t i = 0; i < width_; ++i) dot += q_[row + i] * k_[column + i];
      scores[pair] = dot * Scale();
    });
    p_ = Softmax(scores, tokens);
    Values<T> mixed(q_.size(), T{0});
    ForEachPair([&](size_t pair, size_t row, size_t column) {
      for (size_t i = 0; i < width_; ++i) mixed[row + i] += p_[pair] * v_[column + i];
    });
    return output_.Forward(state, mixed);
  }

  Values<T> Backward(const Arrays<T>& state, const Values<T>& d_y, Arrays<T>& grads) const {
    const Values<T> d_mixed = output_.Backward(state, d_y, grads);
    Values<T> d_p(p_.size()), d_q(q_.size(), T{0}), d_k(q_.size(), T{0}), d_v(q_.size(), T{0});
    ForEachPair([&](size_t pair, size_t row, size_t column) {
      T dot = 0;
      for (size_t i = 0; i < width_; ++i) {
        dot += d_mixed[row + i] * v_[column + i];
        d_v[column + i] += p_[pair] * d_mixed[row + i];
      }
      d_p[pair] = dot;
    });
    const Values<T> d_scores = SoftmaxBackward(p_, d_p, tokens_);
    ForEachPair([&](size_t pair, size_t row, size_t column) {
      for (size_t i = 0; i < width_; ++i) {
        d_q[row + i] += d_scores[pair] * Scale() * k_[column + i];
        d_k[column + i] += d_scores[pair] * Scale() * q_[row + i];
      }
    });
    return Sum(Sum(query_.Backward(state, d_q, grads), key_.Backward(state, d_k, grads)),
               value_.Backward(state, d_v, grads));
  }

 private:
  // visit(pair, row, column) for every batch node, head and pair of tokens: the place in P [B, h,
  // S, S], and where the query's and the key's H values start in [B, S, h, H].
  template <typename Visit>
  void ForEachPair(Visit visit) const {
    size_t pair = 0;
    for (size_t b = 0; b < batch_; ++b)
      for (size_t h = 0; h < heads_; ++h)
        for (size_t s = 0; s < tokens_; ++s)
          for (size_t t = 0; t < tokens_; ++t)
            visit(pair++, (((b * tokens_) + s) * heads_ + h) * width_,
                  (((b * tokens_) + t) * heads_ + h) * width_);
  }
  T Scale() const { return T{1} / std::sqrt(static_cast<T>(width_)); }

  size_t heads_, tokens_ = 0, width_ = 0, batch_ = 0;
  Linear<T> query_, key_, value_, output_;
  Values<T> q_, k_, v_;  // [B, S, h, H]
  Values<T> p_;          // [B, h, S, S]
};

}  // namespace quadhop::reference
