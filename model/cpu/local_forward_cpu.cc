// Forward pass of the local module: a tile of nodes goes through all layers while it is in cache.
#include <algorithm>

#include "model/cpu/local_cpu.h"

namespace quadhop::cpu {
namespace {

// Keep bits of one dropout for the rows of one node: [S, KeepBytes(n)], written to `keep`. Rows
// begin at whole bytes.
void NodeKeepBits(const Dropout& dropout, int64_t node, int64_t tokens, int64_t n, uint8_t* keep) {
  const uint64_t key =
      StreamKey(dropout.seed, dropout.purpose, static_cast<uint64_t>(dropout.step),
                static_cast<uint64_t>(dropout.nodes[static_cast<size_t>(node)].value()));
  KeepBits(key, DropoutThreshold(dropout.probability), tokens * KeepBytes(n), keep);
}

class ForwardTile {
 public:
  ForwardTile(const LocalForwardArgs& args, const LocalTile& tile, std::vector<float>& scratch)
      : args_(args), w_(*args.weights), act_(*args.activations), t_(tile) {
    const int64_t floats = t_.rows * (t_.features + t_.width + 2 * t_.wide) + 3 * t_.wide;
    if (static_cast<int64_t>(scratch.size()) < floats) scratch.resize(static_cast<size_t>(floats));
    x_ = scratch.data();
    z_ = x_ + t_.rows * t_.features;
    attended_ = z_ + t_.rows * t_.width;
    residual_ = attended_ + t_.rows * t_.wide;
    score_weight_ = residual_ + t_.rows * t_.wide;
    sum_ = score_weight_ + t_.wide;
  }

  void Run() {
    Embed();
    Normalise();
    for (int64_t i = 0; i < t_.nodes; ++i) Attend(i);
    AddResidual();
    for (int64_t i = 0; i < t_.nodes; ++i) Read(i);
  }

 private:
  // a = dropout(relu(x w_in^T + b_in)); u = a w_embed^T (its bias comes with the norm).
  void Embed() {
    GatherTokens(t_, *args_.dims, *args_.batch, x_);
    float* a = RowsOf(act_.a, t_, t_.width);
    Gemm(t_.rows, t_.width, t_.features, {x_, t_.features}, {w_.w_in.data(), t_.features, true}, 0,
         a, t_.width);
    const bool drop = args_.token_dropout.probability > 0;
    const float scale = drop ? DropoutScale(args_.token_dropout.probability) : 1.0f;
    const int64_t row_bytes = KeepBytes(t_.width);
    // The bits of one node; the residual's buffer is free until AddResidual, and larger.
    uint8_t* keep = reinterpret_cast<uint8_t*>(residual_);
    for (int64_t i = 0; i < t_.nodes; ++i) {
      if (drop) NodeKeepBits(args_.token_dropout, t_.node + i, t_.tokens, t_.width, keep);
      for (int64_t s = 0; s < t_.tokens; ++s) {
        BiasReluDropout(w_.b_in.data(), drop ? keep + s * row_bytes : nullptr, scale, t_.width,
                        a + (i * t_.tokens + s) * t_.width);
      }
    }
    Gemm(t_.rows, t_.width, t_.width, {a, t_.width}, {w_.w_embed.data(), t_.width, true}, 0,
         RowsOf(act_.u, t_, t_.width), t_.width);
  }

  // z = layer_norm(u + b_embed); q = z m + c.
  void Normalise() {
    float* u = RowsOf(act_.u, t_, t_.width);
    for (int64_t r = 0; r < t_.rows; ++r) {
      const RowStatistics s = BiasLayerNorm(w_.b_embed.data(), w_.z_scale.data(), w_.z_shift.data(),
                                            t_.width, u + r * t_.width, z_ + r * t_.width);
      act_.u_mean[t_.first_row + r] = s.mean;
      act_.u_inv_std[t_.first_row + r] = s.inv_std;
    }
    float* q = RowsOf(act_.q, t_, t_.wide);
    for (int64_t r = 0; r < t_.rows; ++r) std::copy_n(w_.c.data(), t_.wide, q + r * t_.wide);
    Gemm(t_.rows, t_.wide, t_.width, {z_, t_.width}, {w_.m.data(), t_.wide}, 1, q, t_.wide);
  }

  // For each head: p = softmax(q z^T), y = p z, over the tokens of one node.
  void Attend(int64_t i) {
    const float* z = z_ + i * t_.tokens * t_.width;
    for (int64_t head = 0; head < t_.heads; ++head) {
      const int64_t offset = i * t_.tokens * t_.wide + head * t_.width;
      float* p = act_.p.data() + ((t_.node + i) * t_.heads + head) * t_.tokens * t_.tokens;
      Gemm(t_.tokens, t_.tokens, t_.width, {RowsOf(act_.q, t_, t_.wide) + offset, t_.wide},
           {z, t_.width, true}, 0, p, t_.tokens);
      for (int64_t s = 0; s < t_.tokens; ++s) Softmax(t_.tokens, p + s * t_.tokens);
      Gemm(t_.tokens, t_.width, t_.tokens, {p, t_.tokens}, {z, t_.width}, 0,
           RowsOf(act_.y, t_, t_.wide) + offset, t_.wide);
    }
  }

  // t_hat = normalised dropout(u w_residual^T + b_residual + dropout(y n + b_out)).
  void AddResidual() {
    Gemm(t_.rows, t_.wide, t_.wide, {RowsOf(act_.y, t_, t_.wide), t_.wide}, {w_.n.data(), t_.wide},
         0, attended_, t_.wide);
    Gemm(t_.rows, t_.wide, t_.width, {RowsOf(act_.u, t_, t_.width), t_.width},
         {w_.w_residual.data(), t_.width, true}, 0, residual_, t_.wide);
    const double attention_p = args_.attention_dropout.probability;
    const double residual_p = args_.residual_dropout.probability;
    const int64_t row_bytes = KeepBytes(t_.wide);
    uint8_t* attention_keep = RowsOf(act_.attention_keep, t_, row_bytes);
    uint8_t* residual_keep = RowsOf(act_.residual_keep, t_, row_bytes);
    for (int64_t i = 0; i < t_.nodes; ++i) {
      const int64_t at = i * t_.tokens * row_bytes;
      if (attention_p > 0)
        NodeKeepBits(args_.attention_dropout, t_.node + i, t_.tokens, t_.wide, attention_keep + at);
      if (residual_p > 0)
        NodeKeepBits(args_.residual_dropout, t_.node + i, t_.tokens, t_.wide, residual_keep + at);
    }
    ResidualRow row{};
    row.attended_bias = w_.b_out.data();
    row.residual_bias = w_.b_residual.data();
    row.attention_scale = DropoutScale(attention_p);
    row.residual_scale = DropoutScale(residual_p);
    float* t_hat = RowsOf(act_.t_hat, t_, t_.wide);
    for (int64_t r = 0; r < t_.rows; ++r) {
      row.residual = residual_ + r * t_.wide;
      row.attended = attended_ + r * t_.wide;
      row.attention_keep = attention_p > 0 ? attention_keep + r * row_bytes : nullptr;
      row.residual_keep = residual_p > 0 ? residual_keep + r * row_bytes : nullptr;
      act_.t_inv_std[t_.first_row + r] = ResidualNorm(row, t_.wide, t_hat + r * t_.wide);
    }
  }

  // Readout of node i: t_0 + sum_j alpha_j t_j with t = t_hat * scale + shift, and sum_j alpha_j
  // = 1.
  void Read(int64_t i) {
    const float* t_hat = RowsOf(act_.t_hat, t_, t_.wide) + i * t_.tokens * t_.wide;
    float* alpha = act_.alpha.data() + t_.first_row + i * t_.tokens;
    for (int64_t c = 0; c < t_.wide; ++c) score_weight_[c] = w_.t_scale[c] * w_.w_read[c];
    for (int64_t s = 1; s < t_.tokens; ++s)
      alpha[s] = Dot(score_weight_, t_hat + s * t_.wide, t_.wide);  // the shift's part cancels
    Softmax(t_.tokens - 1, alpha + 1);
    std::copy_n(t_hat, t_.wide, sum_);
    for (int64_t s = 1; s < t_.tokens; ++s) AddScaled(alpha[s], t_hat + s * t_.wide, t_.wide, sum_);
    float* y = args_.y.row(t_.node + i);
    for (int64_t c = 0; c < t_.wide; ++c) y[c] = sum_[c] * w_.t_scale[c] + 2 * w_.t_shift[c];
  }

  const LocalForwardArgs& args_;
  const LocalWeights& w_;
  LocalActivations& act_;
  const LocalTile& t_;
  float* x_;             // [rows, F]
  float* z_;             // [rows, H]
  float* attended_;      // [rows, h*H]
  float* residual_;      // [rows, h*H]
  float* score_weight_;  // [h*H]: t_scale * w_read
  float* sum_;           // [h*H]
};

}  // namespace

void CpuKernels::DoLocalForward(const LocalForwardArgs& args) {
  scratch_.resize(static_cast<size_t>(pool_.num_threads()));
  const std::vector<Tile> tiles = MakeTiles(args.slices, TileNodes(*args.dims));
  pool_.ParallelFor(static_cast<int64_t>(tiles.size()), [&](int64_t item, int worker) {
    const Tile& tile = tiles[static_cast<size_t>(item)];
    ForwardTile(args, LocalTile(*args.dims, tile.begin, tile.end),
                scratch_[static_cast<size_t>(worker)])
        .Run();
  });
}

}  // namespace quadhop::cpu
