// Backward pass of the local module. Weight gradients of a partition are summed in lanes: runs of
// consecutive tiles, each summed in order by one thread, then the lanes in order. Their number
// depends on the slice alone.
#include <algorithm>

#include "model/cpu/local_cpu.h"

namespace quadhop::cpu {
namespace {

constexpr int64_t kMaxLanes = 16;  // partial gradients a partition
constexpr int64_t kMinTilesPerLane =
    4;  // a lane costs a pass over the weights; this keeps it small beside its tiles

class BackwardTile {
 public:
  BackwardTile(const LocalBackwardArgs& args, const LocalWeights& gradients, const LocalTile& tile,
               std::vector<float>& scratch)
      : args_(args), w_(*args.weights), g_(gradients), act_(*args.activations), t_(tile) {
    const int64_t floats = t_.rows * (t_.features + 4 * t_.width + 4 * t_.wide) +
                           t_.tokens * t_.tokens + t_.tokens + 4 * t_.wide;
    if (static_cast<int64_t>(scratch.size()) < floats) scratch.resize(static_cast<size_t>(floats));
    float* next = scratch.data();
    const auto take = [&next](int64_t n) { return std::exchange(next, next + n); };
    x_ = take(t_.rows * t_.features);
    z_ = take(t_.rows * t_.width);
    d_z_ = take(t_.rows * t_.width);
    d_u_ = take(t_.rows * t_.width);
    d_a_ = take(t_.rows * t_.width);
    d_residual_ = take(t_.rows * t_.wide);
    d_attended_ = take(t_.rows * t_.wide);
    d_y_ = take(t_.rows * t_.wide);
    d_q_ = take(t_.rows * t_.wide);
    d_p_ = take(t_.tokens * t_.tokens);
    d_score_ = take(t_.tokens);
    from_result_ = take(t_.wide);
    score_weight_ = take(t_.wide);
    readout_ = take(t_.wide);
    scored_ = take(t_.wide);
  }

  void Run() {
    for (int64_t i = 0; i < t_.nodes; ++i) Read(i);
    AddResidual();
    Normalise();
    for (int64_t i = 0; i < t_.nodes; ++i) Attend(i);
    Queries();
    Embed();
  }

 private:
  // Readout and the norm before it: from d_y of node i, d_residual and d_attended of its tokens.
  void Read(int64_t i) {
    const float* d_result = args_.d_y.row(t_.node + i);
    const int64_t first = i * t_.tokens;
    const float* t_hat = RowsOf(act_.t_hat, t_, t_.wide) + first * t_.wide;
    const float* alpha = act_.alpha.data() + t_.first_row + first;
    for (int64_t c = 0; c < t_.wide; ++c) {
      from_result_[c] = w_.t_scale[c] * d_result[c];
      score_weight_[c] = w_.t_scale[c] * w_.w_read[c];
    }
    for (int64_t s = 1; s < t_.tokens; ++s)
      d_score_[s] = Dot(from_result_, t_hat + s * t_.wide, t_.wide);
    SoftmaxBackward(alpha + 1, t_.tokens - 1, d_score_ + 1);
    // readout = t_hat_0 + sum alpha_j t_hat_j; scored = sum d_score_j t_hat_j.
    std::copy_n(t_hat, t_.wide, readout_);
    std::fill_n(scored_, t_.wide, 0.0f);
    for (int64_t s = 1; s < t_.tokens; ++s) {
      AddScaled(alpha[s], t_hat + s * t_.wide, t_.wide, readout_);
      AddScaled(d_score_[s], t_hat + s * t_.wide, t_.wide, scored_);
    }
    for (int64_t c = 0; c < t_.wide; ++c) {
      g_.t_scale[c] += d_result[c] * readout_[c] + w_.w_read[c] * scored_[c];
      g_.t_shift[c] += 2 * d_result[c];
      g_.w_read[c] += w_.t_scale[c] * scored_[c];
    }
    ResidualRowBackward row{};
    row.g = from_result_;
    row.gw = score_weight_;
    row.attention_scale = DropoutScale(args_.attention_dropout);
    row.residual_scale = DropoutScale(args_.residual_dropout);
    const int64_t row_bytes = KeepBytes(t_.wide);
    for (int64_t s = 0; s < t_.tokens; ++s) {
      const int64_t r = first + s;
      row.x_hat = t_hat + s * t_.wide;
      row.inv_std = act_.t_inv_std[t_.first_row + r];
      row.from_readout = s == 0 ? 1.0f : alpha[s];
      row.from_score = s == 0 ? 0.0f : d_score_[s];
      row.attention_keep = args_.attention_dropout > 0
                               ? RowsOf(act_.attention_keep, t_, row_bytes) + r * row_bytes
                               : nullptr;
      row.residual_keep = args_.residual_dropout > 0
                              ? RowsOf(act_.residual_keep, t_, row_bytes) + r * row_bytes
                              : nullptr;
      ResidualNormBackward(row, t_.wide, d_residual_ + r * t_.wide, d_attended_ + r * t_.wide);
    }
  }

  // Through u w_residual^T and y n: gradients of both maps, d_y, and the residual's part of d_u.
  void AddResidual() {
    const float* u = RowsOf(act_.u, t_, t_.width);
    const float* y = RowsOf(act_.y, t_, t_.wide);
    for (int64_t r = 0; r < t_.rows; ++r) {
      Add(d_residual_ + r * t_.wide, t_.wide, g_.b_residual.data());
      Add(d_attended_ + r * t_.wide, t_.wide, g_.b_out.data());
    }
    Gemm(t_.wide, t_.width, t_.rows, {d_residual_, t_.wide, true}, {u, t_.width}, 1,
         g_.w_residual.data(), t_.width);
    Gemm(t_.rows, t_.width, t_.wide, {d_residual_, t_.wide}, {w_.w_residual.data(), t_.width}, 0,
         d_u_, t_.width);
    Gemm(t_.wide, t_.wide, t_.rows, {y, t_.wide, true}, {d_attended_, t_.wide}, 1, g_.n.data(),
         t_.wide);
    Gemm(t_.rows, t_.wide, t_.wide, {d_attended_, t_.wide}, {w_.n.data(), t_.wide, true}, 0, d_y_,
         t_.wide);
  }

  RowStatistics StatisticsOfU(int64_t r) const {
    return {act_.u_mean[t_.first_row + r], act_.u_inv_std[t_.first_row + r]};
  }

  // z again, from u.
  void Normalise() {
    const float* u = RowsOf(act_.u, t_, t_.width);
    for (int64_t r = 0; r < t_.rows; ++r) {
      ApplyLayerNorm(u + r * t_.width, StatisticsOfU(r), w_.z_scale.data(), w_.z_shift.data(),
                     t_.width, z_ + r * t_.width);
    }
  }

  // y = p z, p = softmax(q z^T): d_z and d_q of the tokens of node i.
  void Attend(int64_t i) {
    const int64_t first = i * t_.tokens;
    const float* z = z_ + first * t_.width;
    float* d_z = d_z_ + first * t_.width;
    for (int64_t head = 0; head < t_.heads; ++head) {
      const int64_t offset = first * t_.wide + head * t_.width;
      const float* p = act_.p.data() + ((t_.node + i) * t_.heads + head) * t_.tokens * t_.tokens;
      const float* q = RowsOf(act_.q, t_, t_.wide) + offset;
      Gemm(t_.tokens, t_.tokens, t_.width, {d_y_ + offset, t_.wide}, {z, t_.width, true}, 0, d_p_,
           t_.tokens);
      Gemm(t_.tokens, t_.width, t_.tokens, {p, t_.tokens, true}, {d_y_ + offset, t_.wide},
           head == 0 ? 0.0f : 1.0f, d_z, t_.width);
      for (int64_t s = 0; s < t_.tokens; ++s)
        SoftmaxBackward(p + s * t_.tokens, t_.tokens, d_p_ + s * t_.tokens);
      Gemm(t_.tokens, t_.width, t_.tokens, {d_p_, t_.tokens}, {z, t_.width}, 0, d_q_ + offset,
           t_.wide);
      Gemm(t_.tokens, t_.width, t_.tokens, {d_p_, t_.tokens, true}, {q, t_.wide}, 1, d_z, t_.width);
    }
  }

  // q = z m + c, then z = layer_norm(u): completes d_u.
  void Queries() {
    for (int64_t r = 0; r < t_.rows; ++r) Add(d_q_ + r * t_.wide, t_.wide, g_.c.data());
    Gemm(t_.width, t_.wide, t_.rows, {z_, t_.width, true}, {d_q_, t_.wide}, 1, g_.m.data(),
         t_.wide);
    Gemm(t_.rows, t_.width, t_.wide, {d_q_, t_.wide}, {w_.m.data(), t_.wide, true}, 1, d_z_,
         t_.width);
    const float* u = RowsOf(act_.u, t_, t_.width);
    for (int64_t r = 0; r < t_.rows; ++r) {
      float* d_z = d_z_ + r * t_.width;
      LayerNormBackward(u + r * t_.width, StatisticsOfU(r), w_.z_scale.data(), d_z, t_.width, d_z,
                        g_.z_scale.data(), g_.z_shift.data());
      Add(d_z, t_.width, d_u_ + r * t_.width);
    }
  }

  // u = a w_embed^T + b_embed, a = dropout(relu(x w_in^T + b_in)).
  void Embed() {
    const float* a = RowsOf(act_.a, t_, t_.width);
    for (int64_t r = 0; r < t_.rows; ++r) Add(d_u_ + r * t_.width, t_.width, g_.b_embed.data());
    Gemm(t_.width, t_.width, t_.rows, {d_u_, t_.width, true}, {a, t_.width}, 1, g_.w_embed.data(),
         t_.width);
    Gemm(t_.rows, t_.width, t_.width, {d_u_, t_.width}, {w_.w_embed.data(), t_.width}, 0, d_a_,
         t_.width);
    const float scale = DropoutScale(args_.token_dropout);
    for (int64_t r = 0; r < t_.rows; ++r) {
      ReluDropoutBackward(a + r * t_.width, scale, t_.width, d_a_ + r * t_.width);
      Add(d_a_ + r * t_.width, t_.width, g_.b_in.data());
    }
    GatherTokens(t_, *args_.dims, *args_.batch, x_);
    Gemm(t_.width, t_.features, t_.rows, {d_a_, t_.width, true}, {x_, t_.features}, 1,
         g_.w_in.data(), t_.features);
  }

  const LocalBackwardArgs& args_;
  const LocalWeights& w_;
  const LocalWeights& g_;  // gradients so far, of this lane
  LocalActivations& act_;
  const LocalTile& t_;
  float* x_;                                                 // [rows, F]
  float *z_, *d_z_, *d_u_, *d_a_;                            // [rows, H]
  float *d_residual_, *d_attended_, *d_y_, *d_q_;            // [rows, h*H]
  float* d_p_;                                               // [S, S]
  float* d_score_;                                           // [S]
  float *from_result_, *score_weight_, *readout_, *scored_;  // [h*H]
};

// Consecutive tiles of one partition, summed by one thread.
struct Lane {
  size_t first_tile, end_tile;
};

std::vector<Lane> MakeLanes(const std::vector<Tile>& tiles, int64_t num_partitions,
                            std::vector<size_t>& first_lane) {
  std::vector<Lane> lanes;
  size_t at = 0;
  for (int64_t p = 0; p < num_partitions; ++p) {
    first_lane.push_back(lanes.size());
    size_t end = at;
    while (end < tiles.size() && tiles[end].partition == p) ++end;
    const int64_t num_tiles = static_cast<int64_t>(end - at);
    const int64_t num_lanes = std::clamp<int64_t>(num_tiles / kMinTilesPerLane, 1, kMaxLanes);
    for (int64_t lane = 0; lane < num_lanes; ++lane) {
      lanes.push_back({at + static_cast<size_t>(num_tiles * lane / num_lanes),
                       at + static_cast<size_t>(num_tiles * (lane + 1) / num_lanes)});
    }
    at = end;
  }
  first_lane.push_back(lanes.size());
  return lanes;
}

}  // namespace

void CpuKernels::DoLocalBackward(const LocalBackwardArgs& args) {
  scratch_.resize(static_cast<size_t>(pool_.num_threads()));
  const std::vector<Tile> tiles = MakeTiles(args.slices, TileNodes(*args.dims));
  std::vector<size_t> first_lane;
  const std::vector<Lane> lanes = MakeLanes(tiles, args.slices.num_partitions(), first_lane);
  const int64_t num_weights = LocalWeights::NumFloats(*args.dims);
  const size_t lane_floats = lanes.size() * static_cast<size_t>(num_weights);
  if (lanes_.size() < lane_floats) lanes_.resize(lane_floats);
  const auto lane_gradients = [&](size_t lane) {
    return lanes_.data() + static_cast<int64_t>(lane) * num_weights;
  };
  pool_.ParallelFor(static_cast<int64_t>(lanes.size()), [&](int64_t item, int worker) {
    const Lane& lane = lanes[static_cast<size_t>(item)];
    float* gradients = lane_gradients(static_cast<size_t>(item));
    std::fill_n(gradients, num_weights, 0.0f);
    const LocalWeights views(*args.dims, gradients);
    for (size_t i = lane.first_tile; i < lane.end_tile; ++i) {
      const LocalTile tile(*args.dims, tiles[i].begin, tiles[i].end);
      BackwardTile(args, views, tile, scratch_[static_cast<size_t>(worker)]).Run();
    }
  });
  constexpr int64_t kBlock = 4096;
  const int64_t blocks = NumBlocks(num_weights, kBlock);
  pool_.ParallelFor(args.slices.num_partitions() * blocks, [&](int64_t item, int) {
    const int64_t p = item / blocks;
    const BlockRange range = Block(item % blocks, num_weights, kBlock);
    float* sum = args.d_weights.row(p) + range.begin;
    const size_t begin = first_lane[static_cast<size_t>(p)],
                 end = first_lane[static_cast<size_t>(p) + 1];
    std::copy_n(lane_gradients(begin) + range.begin, range.end - range.begin, sum);
    for (size_t lane = begin + 1; lane < end; ++lane)
      Add(lane_gradients(lane) + range.begin, range.end - range.begin, sum);
  });
}

}  // namespace quadhop::cpu
