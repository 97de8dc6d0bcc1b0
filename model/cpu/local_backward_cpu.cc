// Backward pass of the local module. Weight gradients of a partition are summed in lanes: runs of
// consecutive tiles, each summed in order by one thread, then the lanes in order. Their number
// depends on the slice alone.
#include <algorithm>
#include <utility>

#include "model/cpu/lane_sums.h"
#include "model/cpu/local_cpu.h"

namespace quadhop::cpu {
namespace {

constexpr int64_t kMaxLanes = 16;  // partial gradients per partition
constexpr int64_t kMinTilesPerLane =
    4;  // a lane costs a pass over the weights; this keeps that small beside its tiles

// T is the type of the operands of products, as in the forward pass.
template <typename T>
class BackwardTile {
 public:
  BackwardTile(const LocalBackwardArgs& args, const T* operand_weights,
               const LocalWeights& gradients, const LocalTile& tile, std::vector<float>& memory)
      : args_(args),
        w_(*args.weights),
        operand_(w_, operand_weights),
        g_(gradients),
        act_(static_cast<CpuLocalActivations&>(*args.activations)),
        kept_(act_.template operands<T>()),
        t_(tile) {
    cpu::LayOut(*this, memory);
  }

  void LayOut(Scratch& scratch) {
    x_ = scratch.Take<T>(t_.rows * t_.columns);
    z_ = scratch.Take<T>(t_.rows * t_.width);
    d_a_ = scratch.Take<T>(t_.rows * t_.width);
    for (T** p : {&d_residual_, &d_attended_, &d_y_, &d_q_})
      *p = scratch.Take<T>(t_.rows * t_.wide);
    d_scores_ = scratch.Take<T>(t_.most_tokens * t_.most_tokens);
    for (float** p : {&d_z_, &d_u_}) *p = scratch.Take<float>(t_.rows * t_.width);
    d_score_ = scratch.Take<float>(t_.most_tokens);
    for (float** p : {&from_result_, &score_weight_, &readout_, &scored_})
      *p = scratch.Take<float>(t_.wide);
    if constexpr (std::is_same_v<T, float>) {
      d_u_operand_ = d_u_;
    } else {
      d_u_operand_ = scratch.Take<T>(t_.rows * t_.width);
      product_ = scratch.Take<float>(t_.rows * t_.wide);
      d_p_ = scratch.Take<float>(t_.most_tokens * t_.most_tokens);
    }
  }

  void Run() {
    for (int64_t i = 0; i < t_.nodes; ++i) Read(i);
    AddResidual();
    Normalise();
    for (int64_t i = 0; i < t_.nodes; ++i) Attend(i);
    RoundProduct(ops_, ProductOf(d_q_, product_), t_.rows * t_.wide, d_q_);
    Queries();
    Embed();
  }

 private:
  // Readout and the norm before it: d_residual and d_attended of node i's tokens, from its d_y.
  void Read(int64_t i) {
    const float* d_result = args_.d_y.row(t_.node + i);
    const int64_t first = t_.first(i), tokens = t_.tokens(i);
    const T* t_hat = RowsOf(kept_.t_hat, t_, t_.wide) + first * t_.wide;
    const float* alpha = act_.alpha.data() + t_.first_row + first;
    for (int64_t c = 0; c < t_.wide; ++c) {
      from_result_[c] = w_.t_scale[c] * d_result[c];
      score_weight_[c] = w_.t_scale[c] * w_.w_read[c];
    }
    const int64_t others = alpha[0] == 0 ? 1 : 0;  // first token that the readout weights
    d_score_[0] = 0;
    for (int64_t s = others; s < tokens; ++s)
      d_score_[s] = ops_.dot(from_result_, t_hat + s * t_.wide, t_.wide);
    f32_ops_.softmax_backward(alpha + others, d_score_ + others, tokens - others,
                              d_score_ + others);
    // readout = t_hat_0 + sum alpha_j t_hat_j; scored = sum d_score_j t_hat_j.
    std::fill_n(readout_, t_.wide, 0.0f);
    std::fill_n(scored_, t_.wide, 0.0f);
    ops_.add(t_hat, t_.wide, readout_);
    for (int64_t s = others; s < tokens; ++s) {
      ops_.add_scaled(alpha[s], t_hat + s * t_.wide, t_.wide, readout_);
      ops_.add_scaled(d_score_[s], t_hat + s * t_.wide, t_.wide, scored_);
    }
    const float shifts = others < tokens ? 2 : 1;
    for (int64_t c = 0; c < t_.wide; ++c) {
      g_.t_scale[c] += d_result[c] * readout_[c] + w_.w_read[c] * scored_[c];
      g_.t_shift[c] += shifts * d_result[c];
      g_.w_read[c] += w_.t_scale[c] * scored_[c];
    }
    ResidualRowBackward<T> row{};
    row.g = from_result_;
    row.gw = score_weight_;
    row.attention_scale = DropoutScale(args_.attention_dropout);
    row.residual_scale = DropoutScale(args_.residual_dropout);
    const int64_t row_bytes = KeepBytes(t_.wide);
    for (int64_t s = 0; s < tokens; ++s) {
      const int64_t r = first + s;
      row.x_hat = t_hat + s * t_.wide;
      row.inv_std = act_.t_inv_std[t_.first_row + r];
      row.from_readout = alpha[s] + (s == 0 ? 1.0f : 0.0f);
      row.from_score = d_score_[s];
      row.attention_keep = args_.attention_dropout > 0
                               ? RowsOf(act_.attention_keep, t_, row_bytes) + r * row_bytes
                               : nullptr;
      row.residual_keep = args_.residual_dropout > 0
                              ? RowsOf(act_.residual_keep, t_, row_bytes) + r * row_bytes
                              : nullptr;
      ops_.residual_norm_backward(row, t_.wide, d_residual_ + r * t_.wide,
                                  d_attended_ + r * t_.wide);
    }
  }

  // Through u w_residual^T and y n: gradients of both maps, d_y, and the residual's part of d_u.
  void AddResidual() {
    const T* u = RowsOf(kept_.u, t_, t_.width);
    const T* y = RowsOf(kept_.y, t_, t_.wide);
    for (int64_t r = 0; r < t_.rows; ++r) {
      ops_.add(d_residual_ + r * t_.wide, t_.wide, g_.b_residual.data());
      ops_.add(d_attended_ + r * t_.wide, t_.wide, g_.b_out.data());
    }
    Gemm(t_.wide, t_.width, t_.rows, {d_residual_, t_.wide, true}, {u, t_.width}, 1,
         g_.w_residual.data(), t_.width);
    Gemm(t_.rows, t_.width, t_.wide, {d_residual_, t_.wide}, {operand_(w_.w_residual), t_.width}, 0,
         d_u_, t_.width);
    Gemm(t_.wide, t_.wide, t_.rows, {y, t_.wide, true}, {d_attended_, t_.wide}, 1, g_.n.data(),
         t_.wide);
    float* d_y = ProductOf(d_y_, product_);
    Gemm(t_.rows, t_.wide, t_.wide, {d_attended_, t_.wide}, {operand_(w_.n), t_.wide, true}, 0, d_y,
         t_.wide);
    RoundProduct(ops_, d_y, t_.rows * t_.wide, d_y_);
  }

  RowStatistics StatisticsOfU(int64_t r) const {
    return {act_.u_mean[t_.first_row + r], act_.u_inv_std[t_.first_row + r]};
  }

  // Computes z again, from u.
  void Normalise() {
    const T* u = RowsOf(kept_.u, t_, t_.width);
    for (int64_t r = 0; r < t_.rows; ++r) {
      ops_.apply_layer_norm(u + r * t_.width, StatisticsOfU(r), w_.z_scale.data(),
                            w_.z_shift.data(), t_.width, z_ + r * t_.width);
    }
  }

  // y = p z, p = softmax(q z^T): d_z and d_q of the tokens of node i.
  void Attend(int64_t i) {
    const int64_t first = t_.first(i), tokens = t_.tokens(i);
    const T* p = kept_.p.data() + act_.p_offsets[static_cast<size_t>(t_.node + i)];
    const T* z = z_ + first * t_.width;
    float* d_z = d_z_ + first * t_.width;
    float* d_p = ProductOf(d_scores_, d_p_);
    for (int64_t head = 0; head < t_.heads; ++head, p += tokens * tokens) {
      const int64_t offset = first * t_.wide + head * t_.width;
      const T* q = RowsOf(kept_.q, t_, t_.wide) + offset;
      Gemm(tokens, tokens, t_.width, {d_y_ + offset, t_.wide}, {z, t_.width, true}, 0, d_p, tokens);
      Gemm(tokens, t_.width, tokens, {p, tokens, true}, {d_y_ + offset, t_.wide},
           head == 0 ? 0.0f : 1.0f, d_z, t_.width);
      for (int64_t s = 0; s < tokens; ++s) {
        const int64_t at = s * tokens;
        ops_.softmax_backward(p + at, d_p + at, tokens, d_scores_ + at);
      }
      Gemm(tokens, t_.width, tokens, {d_scores_, tokens}, {z, t_.width}, 0,
           ProductOf(d_q_, product_) + offset, t_.wide);
      Gemm(tokens, t_.width, tokens, {d_scores_, tokens, true}, {q, t_.wide}, 1, d_z, t_.width);
    }
  }

  // q = z m + c, then z = layer_norm(u): completes d_u.
  void Queries() {
    for (int64_t r = 0; r < t_.rows; ++r) ops_.add(d_q_ + r * t_.wide, t_.wide, g_.c.data());
    Gemm(t_.width, t_.wide, t_.rows, {z_, t_.width, true}, {d_q_, t_.wide}, 1, g_.m.data(),
         t_.wide);
    Gemm(t_.rows, t_.width, t_.wide, {d_q_, t_.wide}, {operand_(w_.m), t_.wide, true}, 1, d_z_,
         t_.width);
    const T* u = RowsOf(kept_.u, t_, t_.width);
    for (int64_t r = 0; r < t_.rows; ++r) {
      float* d_z = d_z_ + r * t_.width;
      ops_.layer_norm_backward(u + r * t_.width, StatisticsOfU(r), w_.z_scale.data(), d_z, t_.width,
                               d_z, g_.z_scale.data(), g_.z_shift.data());
      f32_ops_.add(d_z, t_.width, d_u_ + r * t_.width);
    }
    RoundProduct(ops_, d_u_, t_.rows * t_.width, d_u_operand_);
  }

  // u = a w_embed^T + b_embed, a = dropout(relu(x w_in^T + b_in)).
  void Embed() {
    const T* a = RowsOf(kept_.a, t_, t_.width);
    for (int64_t r = 0; r < t_.rows; ++r)
      f32_ops_.add(d_u_ + r * t_.width, t_.width, g_.b_embed.data());
    Gemm(t_.width, t_.width, t_.rows, {d_u_operand_, t_.width, true}, {a, t_.width}, 1,
         g_.w_embed.data(), t_.width);
    float* d_a = ProductOf(d_a_, product_);
    Gemm(t_.rows, t_.width, t_.width, {d_u_operand_, t_.width}, {operand_(w_.w_embed), t_.width}, 0,
         d_a, t_.width);
    const float scale = DropoutScale(args_.token_dropout);
    for (int64_t r = 0; r < t_.rows; ++r) {
      const int64_t at = r * t_.width;
      ops_.relu_dropout_backward(d_a + at, a + at, scale, t_.width, d_a_ + at);
      ops_.add(d_a_ + at, t_.width, g_.b_in.data());
    }
    GatherTokens(*args_.batch, t_, ops_, x_);
    Gemm(t_.width, t_.columns, t_.rows, {d_a_, t_.width, true}, {x_, t_.columns}, 1, g_.w_in.data(),
         t_.columns);
  }

  const LocalBackwardArgs& args_;
  const LocalWeights& w_;
  const OperandWeights<T> operand_;
  const LocalWeights& g_;  // gradients so far, of this lane
  CpuLocalActivations& act_;
  LocalOperands<T>& kept_;
  const LocalTile& t_;
  const RowOps<T>& ops_ = GetRowOps<T>();
  const RowOps<float>& f32_ops_ = GetRowOps<float>();
  T* x_;                                                     // [rows, columns]
  T *z_, *d_a_;                                              // [rows, H]
  T *d_residual_, *d_attended_, *d_y_, *d_q_;                // [rows, h*H]
  T* d_scores_;                                              // [S, S]
  float *d_z_, *d_u_;                                        // [rows, H]
  T* d_u_operand_;                                           // [rows, H]: d_u_
  float* d_score_;                                           // [S]
  float *from_result_, *score_weight_, *readout_, *scored_;  // [h*H]
  float* product_ = nullptr;                                 // [rows, h*H]; not for T = float
  float* d_p_ = nullptr;                                     // [S, S]; not for T = float
};

int64_t NumLanes(int64_t num_tiles) {
  return std::clamp<int64_t>(num_tiles / kMinTilesPerLane, 1, kMaxLanes);
}

// Consecutive tiles of one partition, summed by one thread.
struct Lane {
  size_t partition;
  size_t first_tile, end_tile;
};

// In order; partition p has the lanes [first_lane[p], first_lane[p + 1]).
std::vector<Lane> MakeLanes(const std::vector<Tile>& tiles, int64_t num_partitions,
                            std::vector<size_t>& first_lane) {
  std::vector<Lane> lanes;
  size_t at = 0;
  for (int64_t p = 0; p < num_partitions; ++p) {
    first_lane.push_back(lanes.size());
    size_t end = at;
    while (end < tiles.size() && tiles[end].partition == p) ++end;
    const int64_t num_tiles = static_cast<int64_t>(end - at);
    const int64_t num_lanes = NumLanes(num_tiles);
    for (int64_t lane = 0; lane < num_lanes; ++lane) {
      lanes.push_back({static_cast<size_t>(p),
                       at + static_cast<size_t>(num_tiles * lane / num_lanes),
                       at + static_cast<size_t>(num_tiles * (lane + 1) / num_lanes)});
    }
    at = end;
  }
  first_lane.push_back(lanes.size());
  return lanes;
}

}  // namespace

template <typename T>
void CpuKernels::LocalBackwardIn(const LocalBackwardArgs& args) {
  const T* operand_weights = OperandsOf<T>(*args.dims, *args.weights);
  scratch_.resize(static_cast<size_t>(pool_.num_threads()));
  const std::vector<Tile> tiles = MakeTokenTiles(*args.dims, args.slices, *args.batch);
  std::vector<size_t> first_lane;
  const std::vector<Lane> lanes = MakeLanes(tiles, args.slices.num_partitions(), first_lane);
  LaneSums sums(std::move(first_lane), args.d_weights, lane_memory_);
  pool_.ParallelFor(static_cast<int64_t>(lanes.size()), [&](int64_t item, int worker) {
    const auto index = static_cast<size_t>(item);
    const Lane& lane = lanes[index];
    const LocalWeights gradients(*args.dims, sums.Begin(lane.partition, index));
    for (size_t i = lane.first_tile; i < lane.end_tile; ++i) {
      const LocalTile tile(*args.dims, *args.batch, tiles[i].begin, tiles[i].end);
      BackwardTile<T>(args, operand_weights, gradients, tile, scratch_[static_cast<size_t>(worker)])
          .Run();
    }
    sums.End(lane.partition, index);
  });
}

void CpuKernels::DoLocalBackward(const LocalBackwardArgs& args) {
  if (args.precision == Precision::kF32) {
    LocalBackwardIn<float>(args);
  } else {
    LocalBackwardIn<BFloat16>(args);
  }
}

}  // namespace quadhop::cpu
