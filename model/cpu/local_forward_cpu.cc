// Forward pass of the local module: a tile of nodes goes through all layers while it is in cache.
#include <algorithm>

#include "model/cpu/local_cpu.h"

namespace quadhop::cpu {
namespace {

// T is the type of the operands of products. The attended rows' memory stages other products until
// AddResidual.
template <typename T>
class ForwardTile {
 public:
  ForwardTile(const LocalForwardArgs& args, const T* operand_weights, const LocalTile& tile,
              std::vector<float>& memory)
      : args_(args),
        w_(*args.weights),
        operand_(w_, operand_weights),
        kept_(args.activations->operands<T>()),
        act_(*args.activations),
        t_(tile) {
    cpu::LayOut(*this, memory);
  }

  void LayOut(Scratch& scratch) {
    z_ = scratch.Take<T>(t_.rows * t_.width);
    attended_ = scratch.Take<float>(t_.rows * t_.wide);
    residual_ = scratch.Take<float>(t_.rows * t_.wide);
    score_weight_ = scratch.Take<float>(t_.wide);
    sum_ = scratch.Take<float>(t_.wide);
    scores_ = scratch.Take<float>(t_.tokens * t_.tokens);
  }

  void Run() {
    Embed();
    Normalise();
    for (int64_t i = 0; i < t_.nodes; ++i) Attend(i);
    RoundProduct(ops_, attended_, t_.rows * t_.wide, RowsOf(kept_.y, t_, t_.wide));
    AddResidual();
    for (int64_t i = 0; i < t_.nodes; ++i) Read(i);
  }

 private:
  // The tile's tokens: x [rows, F]. A sampled node's tokens are one contiguous piece of its feature
  // row.
  void GatherTokens(T* x) {
    const LargeGTDims& dims = *args_.dims;
    const Batch& batch = *args_.batch;
    const int64_t piece = dims.hops_and_self * dims.features;
    for (int64_t i = 0; i < t_.nodes * dims.sampled; ++i) {
      const LocalRow row = batch.sampled[static_cast<size_t>(t_.node * dims.sampled + i)];
      ops_.round(batch.features.row(row.value()), piece, x + i * piece);
    }
  }

  // a = dropout(relu(x w_in^T + b_in)); u = a w_embed^T (its bias comes with the norm).
  void Embed() {
    T* x = RowsOf(kept_.x, t_, t_.features);
    GatherTokens(x);
    T* a = RowsOf(kept_.a, t_, t_.width);
    float* product = ProductOf(a, attended_);
    Gemm(t_.rows, t_.width, t_.features, {x, t_.features}, {operand_(w_.w_in), t_.features, true},
         0, product, t_.width);
    const bool drop = args_.token_dropout.probability > 0;
    const float scale = drop ? DropoutScale(args_.token_dropout.probability) : 1.0f;
    const int64_t row_bytes = KeepBytes(t_.width);
    // The bits of one node; the residual's memory is free until AddResidual, and larger.
    uint8_t* keep = reinterpret_cast<uint8_t*>(residual_);
    for (int64_t i = 0; i < t_.nodes; ++i) {
      if (drop) NodeKeepBits(args_.token_dropout, t_.node + i, t_.tokens * row_bytes, keep);
      for (int64_t s = 0; s < t_.tokens; ++s) {
        const int64_t at = (i * t_.tokens + s) * t_.width;
        ops_.bias_relu_dropout(product + at, w_.b_in.data(), drop ? keep + s * row_bytes : nullptr,
                               scale, t_.width, a + at);
      }
    }
    Gemm(t_.rows, t_.width, t_.width, {a, t_.width}, {operand_(w_.w_embed), t_.width, true}, 0,
         ProductOf(RowsOf(kept_.u, t_, t_.width), attended_), t_.width);
  }

  // z = layer_norm(u + b_embed); q = z m + c.
  void Normalise() {
    T* u = RowsOf(kept_.u, t_, t_.width);
    const float* product = ProductOf(u, attended_);
    for (int64_t r = 0; r < t_.rows; ++r) {
      const int64_t at = r * t_.width;
      const RowStatistics s =
          ops_.bias_layer_norm(product + at, w_.b_embed.data(), w_.z_scale.data(),
                               w_.z_shift.data(), t_.width, u + at, z_ + at);
      act_.u_mean[t_.first_row + r] = s.mean;
      act_.u_inv_std[t_.first_row + r] = s.inv_std;
    }
    T* q = RowsOf(kept_.q, t_, t_.wide);
    float* q_product = ProductOf(q, attended_);
    for (int64_t r = 0; r < t_.rows; ++r)
      std::copy_n(w_.c.data(), t_.wide, q_product + r * t_.wide);
    Gemm(t_.rows, t_.wide, t_.width, {z_, t_.width}, {operand_(w_.m), t_.wide}, 1, q_product,
         t_.wide);
    RoundProduct(ops_, q_product, t_.rows * t_.wide, q);
  }

  // For each head: p = softmax(q z^T), y = p z, over the tokens of one node.
  void Attend(int64_t i) {
    const T* z = z_ + i * t_.tokens * t_.width;
    T* y = RowsOf(kept_.y, t_, t_.wide);
    for (int64_t head = 0; head < t_.heads; ++head) {
      const int64_t offset = i * t_.tokens * t_.wide + head * t_.width;
      T* p = kept_.p.data() + ((t_.node + i) * t_.heads + head) * t_.tokens * t_.tokens;
      float* scores = ProductOf(p, scores_);
      Gemm(t_.tokens, t_.tokens, t_.width, {RowsOf(kept_.q, t_, t_.wide) + offset, t_.wide},
           {z, t_.width, true}, 0, scores, t_.tokens);
      for (int64_t s = 0; s < t_.tokens; ++s)
        ops_.softmax(t_.tokens, scores + s * t_.tokens, p + s * t_.tokens);
      Gemm(t_.tokens, t_.width, t_.tokens, {p, t_.tokens}, {z, t_.width}, 0,
           ProductOf(y, attended_) + offset, t_.wide);
    }
  }

  // t_hat = normalised dropout(u w_residual^T + b_residual + dropout(y n + b_out)).
  void AddResidual() {
    Gemm(t_.rows, t_.wide, t_.wide, {RowsOf(kept_.y, t_, t_.wide), t_.wide},
         {operand_(w_.n), t_.wide}, 0, attended_, t_.wide);
    Gemm(t_.rows, t_.wide, t_.width, {RowsOf(kept_.u, t_, t_.width), t_.width},
         {operand_(w_.w_residual), t_.width, true}, 0, residual_, t_.wide);
    const double attention_p = args_.attention_dropout.probability;
    const double residual_p = args_.residual_dropout.probability;
    const int64_t row_bytes = KeepBytes(t_.wide);
    uint8_t* attention_keep = RowsOf(act_.attention_keep, t_, row_bytes);
    uint8_t* residual_keep = RowsOf(act_.residual_keep, t_, row_bytes);
    for (int64_t i = 0; i < t_.nodes; ++i) {
      const int64_t at = i * t_.tokens * row_bytes;
      if (attention_p > 0)
        NodeKeepBits(args_.attention_dropout, t_.node + i, t_.tokens * row_bytes,
                     attention_keep + at);
      if (residual_p > 0)
        NodeKeepBits(args_.residual_dropout, t_.node + i, t_.tokens * row_bytes,
                     residual_keep + at);
    }
    ResidualRow row{};
    row.attended_bias = w_.b_out.data();
    row.residual_bias = w_.b_residual.data();
    row.attention_scale = DropoutScale(attention_p);
    row.residual_scale = DropoutScale(residual_p);
    T* t_hat = RowsOf(kept_.t_hat, t_, t_.wide);
    for (int64_t r = 0; r < t_.rows; ++r) {
      row.residual = residual_ + r * t_.wide;
      row.attended = attended_ + r * t_.wide;
      row.attention_keep = attention_p > 0 ? attention_keep + r * row_bytes : nullptr;
      row.residual_keep = residual_p > 0 ? residual_keep + r * row_bytes : nullptr;
      act_.t_inv_std[t_.first_row + r] = ops_.residual_norm(row, t_.wide, t_hat + r * t_.wide);
    }
  }

  // Readout of node i: t_0 + sum_j alpha_j t_j with t = t_hat * scale + shift, and sum_j alpha_j
  // = 1.
  void Read(int64_t i) {
    const T* t_hat = RowsOf(kept_.t_hat, t_, t_.wide) + i * t_.tokens * t_.wide;
    float* alpha = act_.alpha.data() + t_.first_row + i * t_.tokens;
    for (int64_t c = 0; c < t_.wide; ++c) score_weight_[c] = w_.t_scale[c] * w_.w_read[c];
    for (int64_t s = 1; s < t_.tokens; ++s)
      alpha[s] = ops_.dot(score_weight_, t_hat + s * t_.wide, t_.wide);  // the shift's part cancels
    f32_ops_.softmax(t_.tokens - 1, alpha + 1, alpha + 1);
    std::fill_n(sum_, t_.wide, 0.0f);
    ops_.add(t_hat, t_.wide, sum_);
    for (int64_t s = 1; s < t_.tokens; ++s)
      ops_.add_scaled(alpha[s], t_hat + s * t_.wide, t_.wide, sum_);
    float* y = args_.y.row(t_.node + i);
    for (int64_t c = 0; c < t_.wide; ++c) y[c] = sum_[c] * w_.t_scale[c] + 2 * w_.t_shift[c];
  }

  const LocalForwardArgs& args_;
  const LocalWeights& w_;
  const OperandWeights<T> operand_;
  LocalOperands<T>& kept_;
  LocalActivations& act_;
  const LocalTile& t_;
  const RowOps<T>& ops_ = GetRowOps<T>();
  const RowOps<float>& f32_ops_ = GetRowOps<float>();
  T* z_;                 // [rows, H]
  float* attended_;      // [rows, h*H]
  float* residual_;      // [rows, h*H]
  float* score_weight_;  // [h*H]: t_scale * w_read
  float* sum_;           // [h*H]
  float* scores_;        // [S, S]; not used by T = float
};

}  // namespace

template <typename T>
void CpuKernels::LocalForwardIn(const LocalForwardArgs& args) {
  const T* operand_weights = OperandsOf<T>(*args.dims, *args.weights);
  scratch_.resize(static_cast<size_t>(pool_.num_threads()));
  const std::vector<Tile> tiles = MakeTiles(args.slices, TileNodes(*args.dims));
  pool_.ParallelFor(static_cast<int64_t>(tiles.size()), [&](int64_t item, int worker) {
    const Tile& tile = tiles[static_cast<size_t>(item)];
    ForwardTile<T>(args, operand_weights, LocalTile(*args.dims, tile.begin, tile.end),
                   scratch_[static_cast<size_t>(worker)])
        .Run();
  });
}

void CpuKernels::DoLocalForward(const LocalForwardArgs& args) {
  if (args.precision == Precision::kF32) {
    LocalForwardIn<float>(args);
  } else {
    LocalForwardIn<BFloat16>(args);
  }
}

template <>
const float* CpuKernels::OperandsOf<float>(const LargeGTDims&, const LocalWeights& weights) {
  return weights.base();
}

template <>
const BFloat16* CpuKernels::OperandsOf<BFloat16>(const LargeGTDims& dims,
                                                 const LocalWeights& weights) {
  const int64_t n = LocalWeights::NumFloats(dims);
  bf16_weights_.resize(static_cast<size_t>(n));
  GetRowOps<BFloat16>().round(weights.base(), n, bf16_weights_.data());
  return bf16_weights_.data();
}

}  // namespace quadhop::cpu
