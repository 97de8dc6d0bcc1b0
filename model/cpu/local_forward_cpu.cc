// Forward pass of the local module: a tile of nodes goes through all layers while it is in cache.
#include <algorithm>
#include <cmath>

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
        act_(static_cast<CpuLocalActivations&>(*args.activations)),
        kept_(act_.template operands<T>()),
        t_(tile) {
    cpu::LayOut(*this, memory);
  }

  void LayOut(Scratch& scratch) {
    x_ = scratch.Take<T>(t_.rows * t_.columns);
    z_ = scratch.Take<T>(t_.rows * t_.width);
    attended_ = scratch.Take<float>(t_.rows * t_.wide);
    residual_ = scratch.Take<float>(t_.rows * t_.wide);
    score_weight_ = scratch.Take<float>(t_.wide);
    sum_ = scratch.Take<float>(t_.wide);
    scores_ = scratch.Take<float>(t_.most_tokens * t_.most_tokens);
    log_multiplicity_ = scratch.Take<float>(t_.most_tokens);
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
  // a = dropout(relu(x w_in^T + b_in)); u = a w_embed^T (its bias comes with the norm).
  void Embed() {
    GatherTokens(*args_.batch, t_, ops_, x_);
    T* a = RowsOf(kept_.a, t_, t_.width);
    float* product = ProductOf(a, attended_);
    Gemm(t_.rows, t_.width, t_.columns, {x_, t_.columns}, {operand_(w_.w_in), t_.columns, true}, 0,
         product, t_.width);
    const bool drop = args_.token_dropout.probability > 0;
    const float scale = drop ? DropoutScale(args_.token_dropout.probability) : 1.0f;
    const int64_t row_bytes = KeepBytes(t_.width);
    // The keep bits of one node, in the residual's memory: it is free until AddResidual, and
    // larger.
    uint8_t* keep = reinterpret_cast<uint8_t*>(residual_);
    for (int64_t i = 0; i < t_.nodes; ++i) {
      if (drop) NodeKeepBits(args_.token_dropout, t_.node + i, t_.tokens(i) * row_bytes, keep);
      for (int64_t s = 0; s < t_.tokens(i); ++s) {
        const int64_t at = (t_.first(i) + s) * t_.width;
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

  // Of each token of node i: log_multiplicity_ [S]; false if none is repeated.
  bool LogMultiplicity(int64_t i) {
    const int32_t* multiplicity = args_.batch->multiplicity.data();
    const int32_t* begin = multiplicity + t_.offsets[i];
    const int32_t* end = multiplicity + t_.offsets[i + 1];
    if (std::all_of(begin, end, [](int32_t m) { return m == 1; })) return false;
    for (float* at = log_multiplicity_; begin != end; ++begin, at += t_.hops_and_self)
      std::fill_n(at, t_.hops_and_self, std::log(static_cast<float>(*begin)));
    return true;
  }

  // For each head: p = softmax(q z^T + log m), y = p z, over the tokens of one node.
  void Attend(int64_t i) {
    const int64_t tokens = t_.tokens(i);
    const bool repeated = LogMultiplicity(i);
    const T* z = z_ + t_.first(i) * t_.width;
    T* p = kept_.p.data() + act_.p_offsets[static_cast<size_t>(t_.node + i)];
    T* y = RowsOf(kept_.y, t_, t_.wide);
    for (int64_t head = 0; head < t_.heads; ++head, p += tokens * tokens) {
      const int64_t offset = t_.first(i) * t_.wide + head * t_.width;
      float* scores = ProductOf(p, scores_);
      Gemm(tokens, tokens, t_.width, {RowsOf(kept_.q, t_, t_.wide) + offset, t_.wide},
           {z, t_.width, true}, 0, scores, tokens);
      for (int64_t s = 0; s < tokens; ++s) {
        float* row = scores + s * tokens;
        if (repeated) f32_ops_.add(log_multiplicity_, tokens, row);
        ops_.softmax(tokens, row, p + s * tokens);
      }
      Gemm(tokens, t_.width, tokens, {p, tokens}, {z, t_.width}, 0,
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
      const int64_t at = t_.first(i) * row_bytes, num_bytes = t_.tokens(i) * row_bytes;
      if (attention_p > 0)
        NodeKeepBits(args_.attention_dropout, t_.node + i, num_bytes, attention_keep + at);
      if (residual_p > 0)
        NodeKeepBits(args_.residual_dropout, t_.node + i, num_bytes, residual_keep + at);
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

  // Readout of node i: t_0 + sum_j alpha_j t_j with t = t_hat * scale + shift, and sum_j alpha_j =
  // 1, or 0 where the first token is alone. The first token takes part if the node itself was
  // sampled again.
  void Read(int64_t i) {
    const int64_t tokens = t_.tokens(i);
    const T* t_hat = RowsOf(kept_.t_hat, t_, t_.wide) + t_.first(i) * t_.wide;
    float* alpha = act_.alpha.data() + t_.first_row + t_.first(i);
    for (int64_t c = 0; c < t_.wide; ++c) score_weight_[c] = w_.t_scale[c] * w_.w_read[c];
    for (int64_t s = 0; s < tokens; ++s)
      alpha[s] = ops_.dot(score_weight_, t_hat + s * t_.wide, t_.wide);  // the shift's part cancels
    int64_t first = 1;
    if (LogMultiplicity(i)) {
      f32_ops_.add(log_multiplicity_, tokens, alpha);
      const auto own =
          static_cast<float>(args_.batch->multiplicity[static_cast<size_t>(t_.offsets[i])]);
      if (own > 1) {
        alpha[0] += std::log((own - 1) / own);
        first = 0;
      }
    }
    if (first == 1) alpha[0] = 0;
    f32_ops_.softmax(tokens - first, alpha + first, alpha + first);
    std::fill_n(sum_, t_.wide, 0.0f);
    ops_.add(t_hat, t_.wide, sum_);
    for (int64_t s = first; s < tokens; ++s)
      ops_.add_scaled(alpha[s], t_hat + s * t_.wide, t_.wide, sum_);
    float* y = args_.y.row(t_.node + i);
    const float shifts = first < tokens ? 2 : 1;
    for (int64_t c = 0; c < t_.wide; ++c) y[c] = sum_[c] * w_.t_scale[c] + shifts * w_.t_shift[c];
  }

  const LocalForwardArgs& args_;
  const LocalWeights& w_;
  const OperandWeights<T> operand_;
  CpuLocalActivations& act_;
  LocalOperands<T>& kept_;
  const LocalTile& t_;
  const RowOps<T>& ops_ = GetRowOps<T>();
  const RowOps<float>& f32_ops_ = GetRowOps<float>();
  T* x_;                     // [rows, columns]
  T* z_;                     // [rows, H]
  float* attended_;          // [rows, h*H]
  float* residual_;          // [rows, h*H]
  float* score_weight_;      // [h*H]: t_scale * w_read
  float* sum_;               // [h*H]
  float* scores_;            // [S, S]; not used by T = float
  float* log_multiplicity_;  // [S]
};

}  // namespace

std::vector<Tile> MakeTokenTiles(const LargeGTDims& dims, const Slices& slices,
                                 const Batch& batch) {
  const auto tokens_before = [&](int64_t b) {
    return dims.hops_and_self * batch.sampled_offsets[static_cast<size_t>(b)];
  };
  std::vector<Tile> tiles;
  for (int64_t p = 0; p < slices.num_partitions(); ++p) {
    for (int64_t begin = slices.begin(p); begin < slices.end(p);) {
      int64_t end = begin + 1;
      while (end < slices.end(p) && tokens_before(end + 1) - tokens_before(begin) <= kTileTokens)
        ++end;
      tiles.push_back({p, begin, end});
      begin = end;
    }
  }
  return tiles;
}

template <typename T>
void CpuKernels::LocalForwardIn(const LocalForwardArgs& args) {
  const T* operand_weights = OperandsOf<T>(*args.dims, *args.weights);
  scratch_.resize(static_cast<size_t>(pool_.num_threads()));
  const std::vector<Tile> tiles = MakeTokenTiles(*args.dims, args.slices, *args.batch);
  pool_.ParallelFor(static_cast<int64_t>(tiles.size()), [&](int64_t item, int worker) {
    const Tile& tile = tiles[static_cast<size_t>(item)];
    ForwardTile<T>(args, operand_weights, LocalTile(*args.dims, *args.batch, tile.begin, tile.end),
                   scratch_[static_cast<size_t>(worker)])
        .Run();
  });
}

void CpuKernels::DoLocalForward(const LocalForwardArgs& args) {
  static_cast<CpuLocalActivations&>(*args.activations)
      .Resize(*args.dims, *args.batch, args.precision);
  if (args.precision == Precision::kF32) {
    LocalForwardIn<float>(args);
  } else {
    LocalForwardIn<BFloat16>(args);
  }
}

}  // namespace quadhop::cpu
