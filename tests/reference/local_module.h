// The local embedding of a node from its tokens: a pre-norm encoder layer whose residual is
// projected, a layer norm, and a readout in which token 0 (the node itself) scores the others.
#pragma once

#include <string>

#include "tests/reference/norms.h"
#include "tests/reference/self_attention.h"

namespace quadhop::reference {

// y_b = t_b0 + sum_{s>0} p_bs t_bs,  p_b = softmax_s(w . [t_b0, t_bs] + c),  t [B, S, W], y [B, W].
// The node's half of w and c are the same for all s and cancel: their gradients are 0.
template <typename T>
class Readout {
 public:
  explicit Readout(std::string name) : name_(std::move(name)) {}

  Values<T> Forward(const Arrays<T>& state, const Values<T>& t, size_t tokens) {
    const Values<T>& w = Get(state, name_ + ".weight").values;  // [1, 2W]
    const T c = Get(state, name_ + ".bias").values[0];
    width_ = w.size() / 2;
    tokens_ = tokens;
    t_ = t;
    const size_t batch = t.size() / (tokens * width_);
    Values<T> scores(batch * (tokens - 1), c);  // [B, S - 1]
    for (size_t b = 0; b < batch; ++b)
      for (size_t s = 1; s < tokens; ++s)
        for (size_t i = 0; i < width_; ++i)
          scores[Other(b, s)] += w[i] * t[Token(b, 0) + i] + w[width_ + i] * t[Token(b, s) + i];
    p_ = Softmax(scores, tokens - 1);
    Values<T> y(batch * width_);
    for (size_t b = 0; b < batch; ++b)
      for (size_t i = 0; i < width_; ++i) {
        T sum = t[Token(b, 0) + i];
        for (size_t s = 1; s < tokens; ++s) sum += p_[Other(b, s)] * t[Token(b, s) + i];
        y[b * width_ + i] = sum;
      }
    return y;
  }

  Values<T> Backward(const Arrays<T>& state, const Values<T>& d_y, Arrays<T>& grads) const {
    const Values<T>& w = Get(state, name_ + ".weight").values;
    Values<T>& d_w = GradientOf(state, name_ + ".weight", grads);
    T& d_c = GradientOf(state, name_ + ".bias", grads)[0];
    const size_t batch = d_y.size() / width_;
    Values<T> d_t(t_.size(), T{0}), d_p(p_.size(), T{0});
    for (size_t b = 0; b < batch; ++b)
      for (size_t i = 0; i < width_; ++i) {
        const T d = d_y[b * width_ + i];
        d_t[Token(b, 0) + i] += d;
        for (size_t s = 1; s < tokens_; ++s) {
          d_p[Other(b, s)] += d * t_[Token(b, s) + i];
          d_t[Token(b, s) + i] += d * p_[Other(b, s)];
        }
      }
    const Values<T> d_scores = SoftmaxBackward(p_, d_p, tokens_ - 1);
    for (size_t b = 0; b < batch; ++b)
      for (size_t s = 1; s < tokens_; ++s) {
        const T d = d_scores[Other(b, s)];
        d_c += d;
        for (size_t i = 0; i < width_; ++i) {
          d_w[i] += d * t_[Token(b, 0) + i];
          d_w[width_ + i] += d * t_[Token(b, s) + i];
          d_t[Token(b, 0) + i] += d * w[i];
          d_t[Token(b, s) + i] += d * w[width_ + i];
        }
      }
    return d_t;
  }

 private:
  size_t Token(size_t b, size_t s) const { return (b * tokens_ + s) * width_; }
  size_t Other(size_t b, size_t s) const { return b * (tokens_ - 1) + s - 1; }

  std::string name_;
  size_t width_ = 0, tokens_ = 0;
  Values<T> t_;  // [B, S, W]
  Values<T> p_;  // [B, S - 1]
};

template <typename T>
class LocalModule {
 public:
  LocalModule(const std::string& name, size_t heads)
      : input_(name + ".att_embeddings_nope"),
        attention_norm_(NormKind::kLayer, name + ".layers.0.self_attention_norm"),
        attention_(name + ".layers.0.self_attention", heads),
        residual_(name + ".layers.0.res_proj"),
        final_norm_(NormKind::kLayer, name + ".final_ln"),
        readout_(name + ".attn_layer") {}

  // x [B, S, H]; the masks are [B, S, hH] or empty -> [B, hH].
  //   e = input(x),  r = dropout_sum(residual(e) + dropout_attention(attention(norm(e)))),
  //   y = readout(final_norm(r))
  Values<T> Forward(Arrays<T>& state, const Values<T>& x, size_t tokens, size_t width,
                    const Values<T>& attention_mask, const Values<T>& sum_mask) {
    attention_mask_ = attention_mask;
    sum_mask_ = sum_mask;
    const Values<T> e = input_.Forward(state, x);
    const Values<T> z = attention_norm_.Forward(state, e, Mode::kTraining);
    const Values<T> a = Dropout(attention_.Forward(state, z, tokens, width), attention_mask);
    const Values<T> r = Dropout(Sum(residual_.Forward(state, e), a), sum_mask);
    return readout_.Forward(state, final_norm_.Forward(state, r, Mode::kTraining), tokens);
  }

  Values<T> Backward(const Arrays<T>& state, const Values<T>& d_y, Arrays<T>& grads) const {
    const Values<T> d_t = readout_.Backward(state, d_y, grads);
    const Values<T> d_r = Dropout(final_norm_.Backward(state, d_t, grads), sum_mask_);
    const Values<T> d_z = attention_.Backward(state, Dropout(d_r, attention_mask_), grads);
    const Values<T> d_e =
        Sum(residual_.Backward(state, d_r, grads), attention_norm_.Backward(state, d_z, grads));
    return input_.Backward(state, d_e, grads);
  }

 private:
  Linear<T> input_;
  Norm<T> attention_norm_;  // layer norms: the same in training and evaluation
  SelfAttention<T> attention_;
  Linear<T> residual_;
  Norm<T> final_norm_;
  Readout<T> readout_;
  Values<T> attention_mask_, sum_mask_;  // [B, S, hH] or empty
};

}  // namespace quadhop::reference
