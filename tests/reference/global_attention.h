// Attention of batch nodes to the M centroids of the codebook, each weighted by the number of nodes
// assigned to it: P_h = softmax(Q_h K_h^T / sqrt(H) + log count). A centroid of no nodes has the
// score -inf and takes no part.
#pragma once

#include <cmath>
#include <string>

#include "tests/reference/activations.h"
#include "tests/reference/linear.h"

namespace quadhop::reference {

// Parameters are `name`.lin_{proj,query,key,value}_g; keys and values come from
// `name`.vq._embedding_output [M, 2G], which is a buffer and gets no gradient.
template <typename T>
class GlobalAttention {
 public:
  GlobalAttention(const std::string& name, size_t heads)
      : name_(name),
        heads_(heads),
        projection_(name + ".lin_proj_g"),
        query_(name + ".lin_query_g"),
        key_(name + ".lin_key_g"),
        value_(name + ".lin_value_g") {}

  // x [B, H], pe [B, G], counts [M], mask [B, h, M] or empty -> [B, hH]. The query of the attention
  // and of the codebook is [projection(x), pe].
  Values<T> Forward(const Arrays<T>& state, const Values<T>& x, const Values<T>& pe,
                    const Values<T>& counts, const Values<T>& mask) {
    const Array<T>& book = Get(state, name_ + ".vq._embedding_output");
    centroids_ = book.dims[0];
    pe_width_ = book.dims[1] / 2;
    QH_CHECK_EQ(counts.size(), centroids_);
    mask_ = mask;
    codebook_query_ = JoinColumns(projection_.Forward(state, x), pe_width_, pe, pe_width_);
    q_ = query_.Forward(state, codebook_query_);
    k_ = key_.Forward(state, book.values);
    v_ = value_.Forward(state, Columns(book.values, 2 * pe_width_, 0, pe_width_));
    batch_ = pe.size() / pe_width_;
    width_ = q_.size() / (batch_ * heads_);
    Values<T> scores(batch_ * heads_ * centroids_);
    ForEachPair([&](size_t pair, size_t row, size_t column) {
      T dot = 0;
      for (size_t i = 0; i < width_; ++i) dot += q_[row + i] * k_[column + i];
      scores[pair] = dot * Scale() + std::log(counts[pair % centroids_]);
    });
    p_ = Softmax(scores, centroids_);
    const Values<T> dropped = Dropout(p_, mask_);
    Values<T> y(q_.size(), T{0});
    ForEachPair([&](size_t pair, size_t row, size_t column) {
      for (size_t i = 0; i < width_; ++i) y[row + i] += dropped[pair] * v_[column + i];
    });
    return y;
  }

  struct InputGradients {
    Values<T> x;   // [B, H]
    Values<T> pe;  // [B, G]
  };
  InputGradients Backward(const Arrays<T>& state, const Values<T>& d_y, Arrays<T>& grads) const {
    const Values<T> dropped = Dropout(p_, mask_);
    Values<T> d_dropped(p_.size(), T{0}), d_q(q_.size(), T{0}), d_k(k_.size(), T{0});
    Values<T> d_v(v_.size(), T{0});
    ForEachPair([&](size_t pair, size_t row, size_t column) {
      for (size_t i = 0; i < width_; ++i) {
        d_dropped[pair] += d_y[row + i] * v_[column + i];
        d_v[column + i] += dropped[pair] * d_y[row + i];
      }
    });
    const Values<T> d_scores = SoftmaxBackward(p_, Dropout(d_dropped, mask_), centroids_);
    ForEachPair([&](size_t pair, size_t row, size_t column) {
      for (size_t i = 0; i < width_; ++i) {
        d_q[row + i] += d_scores[pair] * Scale() * k_[column + i];
        d_k[column + i] += d_scores[pair] * Scale() * q_[row + i];
      }
    });
    key_.Backward(state, d_k, grads);
    value_.Backward(state, d_v, grads);
    const Values<T> d_query = query_.Backward(state, d_q, grads);
    return {projection_.Backward(state, Columns(d_query, 2 * pe_width_, 0, pe_width_), grads),
            Columns(d_query, 2 * pe_width_, pe_width_, 2 * pe_width_)};
  }

  // [B, 2G], of the last Forward.
  const Values<T>& codebook_query() const { return codebook_query_; }

 private:
  // visit(pair, row, column) for every batch node, head and centroid: the place in P [B, h, M], and
  // where the H values of the query in [B, h, H] and of the key in [M, h, H] start.
  template <typename Visit>
  void ForEachPair(Visit visit) const {
    size_t pair = 0;
    for (size_t b = 0; b < batch_; ++b)
      for (size_t h = 0; h < heads_; ++h)
        for (size_t m = 0; m < centroids_; ++m)
          visit(pair++, (b * heads_ + h) * width_, (m * heads_ + h) * width_);
  }
  T Scale() const { return T{1} / std::sqrt(static_cast<T>(width_)); }

  std::string name_;
  size_t heads_, width_ = 0, batch_ = 0, centroids_ = 0, pe_width_ = 0;
  Linear<T> projection_, query_, key_, value_;
  Values<T> codebook_query_;  // [B, 2G]
  Values<T> q_;               // [B, h, H]
  Values<T> k_, v_;           // [M, h, H]
  Values<T> p_, mask_;        // [B, h, M]; the mask may be empty
};

}  // namespace quadhop::reference
