#include <tuple>

#include "model/cuda/local_rows.h"
#include "model/kernels/formulas.h"

namespace quadhop::cuda {
namespace {

constexpr float kEpsilon = static_cast<float>(kNormEpsilon);

template <typename T>
__global__ void RoundKernel(const float* x, int64_t n, T* y) {
  const int64_t i = ThreadOfGrid();
  if (i < n) y[i] = FromFloat<T>(x[i]);
}

// Whether an entry of `sampled` is the batch node itself.
__device__ bool IsOwn(const TokenInputs& inputs, int64_t entry) {
  const int32_t node = inputs.tokens.node[entry * inputs.hops_and_self];
  return inputs.sampled[entry].value() == inputs.own[node].value();
}

// One warp per entry of `sampled`.
template <typename T>
__global__ void GatherKernel(TokenInputs inputs, int64_t stride, T* x) {
  const int64_t item = WarpOfGrid();
  if (item >= inputs.entries) return;
  const int64_t tokens = inputs.hops_and_self, columns = inputs.features;
  const float* from =
      inputs.feature_rows + int64_t{inputs.sampled[item].value()} * tokens * columns;
  T* to = x + item * tokens * stride;
  const int64_t first_mark =
      inputs.marks == 0 ? stride : columns + (IsOwn(inputs, item) ? tokens : 0);
  for (int64_t token = 0; token < tokens; ++token) {
    const int64_t mark = first_mark + token;
#pragma unroll 4
    for (int64_t c = Lane(); c < stride; c += kWarpThreads) {
      const float beyond = c == mark ? 1.0f : 0.0f;
      to[token * stride + c] = FromFloat<T>(c < columns ? from[token * columns + c] : beyond);
    }
  }
}

// Copies rows of `columns` values to rows of `stride`, with zeros beyond.
template <typename T>
__global__ void PadKernel(const T* from, int64_t rows, int64_t columns, int64_t stride, T* to) {
  const int64_t item = ThreadOfGrid(), row = item / stride, c = item % stride;
  if (row < rows) to[item] = c < columns ? from[row * columns + c] : FromFloat<T>(0.0f);
}

__global__ void DropoutKeysKernel(DeviceDropout dropout, int64_t nodes, uint64_t* keys) {
  const int64_t node = ThreadOfGrid();
  if (node < nodes) keys[node] = DropoutKey(dropout, node);
}

// One thread per group of 8 columns.
template <typename T>
__global__ void DropTokensKernel(DeviceDropout dropout, TokenRows tokens, int64_t width, T* a) {
  const int64_t groups = (width + kGroupColumns - 1) / kGroupColumns, item = ThreadOfGrid();
  if (item >= tokens.rows * groups) return;
  const int64_t row = item / groups, column = item % groups * kGroupColumns;
  const uint8_t keep = TokenKeep(dropout, tokens, row, width).Mask(column);
  Group values = LoadGroup(a + row * width, width, column);
  for (int c = 0; c < kGroupColumns; ++c)
    values.at[c] = (keep >> c) & 1 ? values.at[c] * dropout.scale : 0.0f;
  StoreGroup(values, width, column, a + row * width);
}

template <typename T, int kGroups>
__global__ void LayerNormKernel(LayerNormRows<T> args) {
  const int64_t row = WarpOfGrid(), n = args.width;
  if (row >= args.rows) return;
  Group u[kGroups] = {};
  float sum = 0, squares = 0;
  ForEachGroup<kGroups>(n, [&](int i, int64_t column) {
    u[i] = LoadGroup(args.u + row * n, n, column);
    for (const float value : u[i].at) sum += value;
  });
  const float mean = RowMean(sum, n);
  ForEachGroup<kGroups>(n, [&](int i, int64_t column) {
    ForEachColumn(n, column, [&](int c) {
      u[i].at[c] -= mean;
      squares = fmaf(u[i].at[c], u[i].at[c], squares);
    });
  });
  const float inv_std = 1.0f / sqrtf(RowMean(squares, n) + kEpsilon);
  ForEachGroup<kGroups>(n, [&](int i, int64_t column) {
    const Group scale = LoadGroup(args.scale, n, column), shift = LoadGroup(args.shift, n, column);
    for (int c = 0; c < kGroupColumns; ++c)
      u[i].at[c] = fmaf(u[i].at[c] * inv_std, scale.at[c], shift.at[c]);
    StoreGroup(u[i], n, column, args.z + row * n);
  });
  if (Lane() == 0) {
    args.mean[row] = mean;
    args.inv_std[row] = inv_std;
  }
}

template <typename T>
struct LayerNormBackwardLoaded {
  float mean, inv_std;
  StoredGroup<T> d_z, u, d_u;
};

// Parts of the sums: of scale, shift, d_u.
template <typename T, int kTeamWarps>
__global__ void __launch_bounds__(kBlockThreads, 2)
    LayerNormBackwardKernel(LayerNormBackwardRows<T> args, float* parts) {
  const LayerNormRows<T>& forward = args.forward;
  const int64_t n = forward.width, column = Team<kTeamWarps>::Column();
  const BlockRows block(args.slices, blockIdx.x);
  BlockColumnSums<kTeamWarps, 3> sums;
  TeamSums<kTeamWarps, 1, 2> over_columns(reinterpret_cast<float*>(shared_memory));
  const Group scale = column < n ? LoadGroup(forward.scale, n, column) : Group{};
  const auto load = [&](int64_t row) {
    LayerNormBackwardLoaded<T> loaded{};
    if (row >= block.end || column >= n) return loaded;
    loaded.mean = forward.mean[row];
    loaded.inv_std = forward.inv_std[row];
    loaded.d_z = LoadStored(args.d_z + row * n, n, column);
    loaded.u = LoadStored(forward.u + row * n, n, column);
    loaded.d_u = LoadStored(static_cast<const T*>(args.d_u) + row * n, n, column);
    return loaded;
  };
  const auto use = [&](int64_t row, const LayerNormBackwardLoaded<T>& loaded) {
    const Group d_z = Widen(loaded.d_z);
    Group u_hat = Widen(loaded.u);
    float d_hats[1][2] = {};  // sums of d_hat = d_z * scale, and of d_hat * u_hat
    ForEachColumn(n, column, [&](int c) {
      u_hat.at[c] = (u_hat.at[c] - loaded.mean) * loaded.inv_std;
      const float d_hat = d_z.at[c] * scale.at[c];
      d_hats[0][0] += d_hat;
      d_hats[0][1] = fmaf(d_hat, u_hat.at[c], d_hats[0][1]);
    });
    over_columns.Add(d_hats);
    if (row >= block.end || column >= n) return;
    const float mean_d = d_hats[0][0] / static_cast<float>(n);
    const float mean_d_hat = d_hats[0][1] / static_cast<float>(n);
    Group d_u = Widen(loaded.d_u);
    ForEachColumn(n, column, [&](int c) {
      const float d = d_z.at[c] * scale.at[c] - mean_d - u_hat.at[c] * mean_d_hat;
      d_u.at[c] += loaded.inv_std * d;
      sums.Add(0, c, d_z.at[c] * u_hat.at[c]);
      sums.Add(1, c, d_z.at[c]);
      sums.Add(2, c, d_u.at[c]);
    });
    StoreGroup(d_u, n, column, args.d_u + row * n);
  };
  ForEachRowsAhead<Team<kTeamWarps>, 1>(block.begin, block.end, load, use);
  sums.Store(n, reinterpret_cast<float*>(shared_memory) + over_columns.kSharedFloats, parts);
}

// The keep bits of a group, which are stored if there is a dropout.
__device__ uint8_t MaskAndStore(const DeviceDropout& dropout, const TokenKeep& keep, int64_t row,
                                int64_t columns, int64_t column, uint8_t* masks) {
  const uint8_t mask = keep.Mask(column);
  if (dropout.threshold != 0)
    masks[row * ((columns + kGroupColumns - 1) / kGroupColumns) + column / kGroupColumns] = mask;
  return mask;
}

template <typename T, int kGroups>
__global__ void ResidualNormKernel(ResidualRows<T> args) {
  const int64_t row = WarpOfGrid(), n = args.width;
  if (row >= args.tokens.rows) return;
  const TokenKeep attention_keep(args.attention_dropout, args.tokens, row, n);
  const TokenKeep residual_keep(args.residual_dropout, args.tokens, row, n);
  // Loaded before their dropouts are drawn.
  StoredGroup<T> of_attended[kGroups] = {}, of_residual[kGroups] = {};
  ForEachGroup<kGroups>(n, [&](int i, int64_t column) {
    of_attended[i] = LoadStored(args.attended + row * n, n, column);
    of_residual[i] = LoadStored(args.residual + row * n, n, column);
  });
  Group x[kGroups] = {};
  float sum = 0, squares = 0;
  ForEachGroup<kGroups>(n, [&](int i, int64_t column) {
    const uint8_t attention_mask =
        MaskAndStore(args.attention_dropout, attention_keep, row, n, column, args.attention_keep);
    const uint8_t residual_mask =
        MaskAndStore(args.residual_dropout, residual_keep, row, n, column, args.residual_keep);
    const Group attended = Widen(of_attended[i]), residual = Widen(of_residual[i]);
    const Group attended_bias = LoadGroup(args.attended_bias, n, column);
    const Group residual_bias = LoadGroup(args.residual_bias, n, column);
    ForEachColumn(n, column, [&](int c) {
      float v = attended.at[c] + attended_bias.at[c];
      v = (attention_mask >> c) & 1 ? v * args.attention_dropout.scale : 0.0f;
      v += residual.at[c] + residual_bias.at[c];
      v = (residual_mask >> c) & 1 ? v * args.residual_dropout.scale : 0.0f;
      x[i].at[c] = v;
      sum += v;
    });
  });
  const float mean = RowMean(sum, n);
  ForEachGroup<kGroups>(n, [&](int i, int64_t column) {
    ForEachColumn(n, column, [&](int c) {
      x[i].at[c] -= mean;
      squares = fmaf(x[i].at[c], x[i].at[c], squares);
    });
  });
  const float inv_std = 1.0f / sqrtf(RowMean(squares, n) + kEpsilon);
  ForEachGroup<kGroups>(n, [&](int i, int64_t column) {
    for (float& value : x[i].at) value *= inv_std;
    StoreGroup(x[i], n, column, args.x_hat + row * n);
  });
  if (Lane() == 0) args.inv_std[row] = inv_std;
}

// Rows that a team takes at a time: more would take more registers than there are.
template <typename T>
constexpr int kResidualRows = sizeof(T) == 2 ? 2 : 1;

template <typename T>
struct ResidualNormBackwardLoaded {
  int32_t node;          // of row r: lane r's
  float alpha, inv_std;  // likewise
  StoredGroup<T> x_hat[kResidualRows<T>];
};

// Parts of the sums: of d_residual, d_attended, d_score x_hat.
template <typename T, int kTeamWarps>
__global__ void __launch_bounds__(kBlockThreads, 2)
    ResidualNormBackwardKernel(ResidualBackwardRows<T> args, float* parts) {
  constexpr int kRows = kResidualRows<T>;
  const ReadoutRows<T>& readout = args.readout;
  const int64_t n = readout.width, groups = (n + kGroupColumns - 1) / kGroupColumns;
  const int64_t column = Team<kTeamWarps>::Column();
  const bool has_columns = column < n;
  const BlockRows block(args.slices, blockIdx.x);
  BlockColumnSums<kTeamWarps, 3> sums;
  TeamSums<kTeamWarps, kRows, 2> over_columns(reinterpret_cast<float*>(shared_memory));
  Group scaled_read = {};
  if (has_columns) scaled_read = MultiplyGroups(readout.scale, readout.w_read, n, column);
  float sum_read = 0;
  for (int64_t c = Lane(); c < n; c += kWarpThreads)
    sum_read = fmaf(readout.scale[c], readout.w_read[c], sum_read);
  const float mean_read = RowMean(sum_read, n);
  // Kept for one node: consecutive rows mostly belong to the same node.
  int32_t node = -1;
  Group scaled = {};
  const auto take_node = [&](int32_t of_row) {
    if (of_row == node || !has_columns) return;
    node = of_row;
    scaled = LoadGroup(args.scaled + node * n, n, column);
  };
  const auto load = [&](int64_t first) {
    ResidualNormBackwardLoaded<T> loaded{};
    if (const int64_t row = first + Lane() % kRows; row < block.end) {
      loaded.node = readout.tokens.node[row];
      loaded.alpha = readout.alpha[row];
      loaded.inv_std = args.inv_std[row];
    }
#pragma unroll
    for (int r = 0; r < kRows; ++r)
      if (first + r < block.end && has_columns)
        loaded.x_hat[r] = LoadStored(readout.t_hat + (first + r) * n, n, column);
    return loaded;
  };
  const float residual_scale = args.residual_scale != 0 ? args.residual_scale : 1.0f;
  const float attention_scale = args.attention_scale != 0 ? args.attention_scale : 1.0f;
  // The gradient of x_hat is from_readout * scaled + from_score * scaled_read.
  const auto use = [&](int64_t first, const ResidualNormBackwardLoaded<T>& loaded) {
    uint8_t residual_keep[kRows], attention_keep[kRows];
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      const bool inside = first + r < block.end && has_columns;
      const int64_t at = (first + r) * groups + column / kGroupColumns;
      residual_keep[r] = inside && args.residual_scale != 0 ? args.residual_keep[at] : 0xFF;
      attention_keep[r] = inside && args.attention_scale != 0 ? args.attention_keep[at] : 0xFF;
    }
    float along[kRows][2] = {};  // scaled . x_hat, scaled_read . x_hat
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      take_node(OfRow(loaded.node, r));
      const Group x_hat = Widen(loaded.x_hat[r]);
      for (int c = 0; c < kGroupColumns; ++c) {  // zeros beyond the last column
        along[r][0] = fmaf(scaled.at[c], x_hat.at[c], along[r][0]);
        along[r][1] = fmaf(scaled_read.at[c], x_hat.at[c], along[r][1]);
      }
    }
    over_columns.Add(along);
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      const int64_t row = first + r;
      const int32_t of_row = OfRow(loaded.node, r);
      const float alpha = OfRow(loaded.alpha, r), inv_std = OfRow(loaded.inv_std, r);
      if (row >= block.end || !has_columns) continue;
      take_node(of_row);
      const float from_readout = alpha + (row == readout.tokens.begin[of_row] ? 1.0f : 0.0f);
      const float from_score = alpha * (along[r][0] - args.along_summary[of_row]);
      const float mean_d = from_readout * args.mean[of_row] + from_score * mean_read;
      const float mean_d_hat =
          (from_readout * along[r][0] + from_score * along[r][1]) / static_cast<float>(n);
      const Group x_hat = Widen(loaded.x_hat[r]);
      Group d_residual, d_attended;
      for (int c = 0; c < kGroupColumns; ++c) {
        const float d = from_readout * scaled.at[c] + from_score * scaled_read.at[c];
        float v = inv_std * (d - mean_d - x_hat.at[c] * mean_d_hat);
        v = (residual_keep[r] >> c) & 1 ? v * residual_scale : 0.0f;
        d_residual.at[c] = v;
        d_attended.at[c] = (attention_keep[r] >> c) & 1 ? v * attention_scale : 0.0f;
        sums.Add(0, c, d_residual.at[c]);
        sums.Add(1, c, d_attended.at[c]);
        sums.Add(2, c, from_score * x_hat.at[c]);
      }
      StoreGroup(d_residual, n, column, args.d_residual + row * n);
      StoreGroup(d_attended, n, column, args.d_attended + row * n);
    }
  };
  ForEachRowsAhead<Team<kTeamWarps>, kRows>(block.begin, block.end, load, use);
  sums.Store(n, reinterpret_cast<float*>(shared_memory) + over_columns.kSharedFloats, parts);
}

template <typename T, int kTeamWarps>
__global__ void ReluDropoutBackwardKernel(SliceRows slices, const T* a, float scale, int64_t width,
                                          T* d_a, float* parts) {
  using OfTeam = Team<kTeamWarps>;
  const BlockRows block(slices, blockIdx.x);
  BlockColumnSums<kTeamWarps, 1> sums;
  if (const int64_t column = OfTeam::Column(); column < width) {
#pragma unroll 2
    for (int64_t row = block.begin + OfTeam::Index(); row < block.end; row += OfTeam::kTeams) {
      const Group of_a = LoadGroup(a + row * width, width, column);
      Group d = LoadGroup(d_a + row * width, width, column);
      for (int c = 0; c < kGroupColumns; ++c) {
        d.at[c] = of_a.at[c] > 0 ? d.at[c] * scale : 0.0f;
        sums.Add(0, c, d.at[c]);
      }
      StoreGroup(d, width, column, d_a + row * width);
    }
  }
  sums.Store(width, reinterpret_cast<float*>(shared_memory), parts);
}

// A block for each block of the slices' rows, with shared memory for its sums: over rows, and over
// the columns of kRows rows.
template <int kTeamWarps, int kSums, int kRows>
Grid GridOf(const SliceRows& slices, int64_t columns) {
  const int64_t floats = TeamSums<kTeamWarps, kRows, 2>::kSharedFloats +
                         BlockColumnSums<kTeamWarps, kSums>::SharedFloats(columns);
  return {slices.slices * slices.blocks, kBlockThreads,
          static_cast<size_t>(floats) * sizeof(float)};
}

}  // namespace

template <typename T>
void Round(Device& device, const float* x, int64_t n, T* y) {
  device.Launch(RoundKernel<T>, {BlocksOfThreads(n), kBlockThreads}, x, n, y);
}

template <typename T>
void GatherTokens(Device& device, const TokenInputs& inputs, int64_t stride, T* x) {
  device.Launch(GatherKernel<T>, {BlocksOfWarps(inputs.entries), kBlockThreads}, inputs, stride, x);
}

template <typename T>
void PadRows(Device& device, const T* from, int64_t rows, int64_t columns, int64_t stride, T* to) {
  device.Launch(PadKernel<T>, {BlocksOfThreads(rows * stride), kBlockThreads}, from, rows, columns,
                stride, to);
}

void MakeDropoutKeys(Device& device, int64_t nodes, DeviceDropout& dropout,
                     Buffer<uint64_t>& keys) {
  if (dropout.threshold == 0) return;
  keys.Reserve(device, nodes);
  device.Launch(DropoutKeysKernel, {BlocksOfThreads(nodes), kBlockThreads}, dropout, nodes,
                keys.data());
  dropout.keys = keys.data();
}

template <typename T>
void DropTokens(Device& device, const DeviceDropout& dropout, const TokenRows& tokens,
                int64_t width, T* a) {
  if (dropout.threshold == 0) return;
  const int64_t groups = (width + kGroupColumns - 1) / kGroupColumns;
  device.Launch(DropTokensKernel<T>, {BlocksOfThreads(tokens.rows * groups), kBlockThreads},
                dropout, tokens, width, a);
}

template <typename T>
void LayerNorm(Device& device, const LayerNormRows<T>& args) {
  WithRowSize(device, args.width, [&](auto groups) {
    device.Launch(LayerNormKernel<T, groups>, {BlocksOfWarps(args.rows), kBlockThreads}, args);
  });
}

template <typename T>
void LayerNormBackward(Device& device, const LayerNormBackwardRows<T>& args) {
  const int64_t width = args.forward.width;
  const Buffer<float> parts(device, args.slices.slices * args.slices.blocks * 3 * width);
  WithRowSize(device, width, [&](auto warps) {
    device.Launch(LayerNormBackwardKernel<T, warps>, GridOf<warps, 3, 1>(args.slices, width), args,
                  parts.data());
  });
  SumParts(device, args.slices, parts.data(), 3, width,
           {{args.d_scale, args.d_shift, args.d_u_sum}});
}

template <typename T>
void ResidualNorm(Device& device, const ResidualRows<T>& args) {
  WithRowSize(device, args.width, [&](auto groups) {
    device.Launch(ResidualNormKernel<T, groups>, {BlocksOfWarps(args.tokens.rows), kBlockThreads},
                  args);
  });
}

template <typename T>
void ResidualNormBackward(Device& device, const ResidualBackwardRows<T>& args) {
  const int64_t width = args.readout.width;
  const Buffer<float> parts(device, args.slices.slices * args.slices.blocks * 3 * width);
  WithRowSize(device, width, [&](auto warps) {
    device.Launch(ResidualNormBackwardKernel<T, warps>,
                  GridOf<warps, 3, kResidualRows<T>>(args.slices, width), args, parts.data());
  });
  SumParts(device, args.slices, parts.data(), 3, width,
           {{args.d_residual_sum, args.d_attended_sum, args.scored_sum}});
}

template <typename T>
void ReluDropoutBackward(Device& device, const SliceRows& slices, const T* a, float scale,
                         int64_t width, T* d_a, const PartitionGradients& sum) {
  const Buffer<float> parts(device, slices.slices * slices.blocks * width);
  WithRowSize(device, width, [&](auto warps) {
    device.Launch(ReluDropoutBackwardKernel<T, warps>, GridOf<warps, 1, 1>(slices, width), slices,
                  a, scale, width, d_a, parts.data());
  });
  SumParts(device, slices, parts.data(), 1, width, {{sum}});
}

template <typename T>
struct RowInstances {
  static constexpr auto kAll = std::tuple(&Round<T>, &GatherTokens<T>, &PadRows<T>, &DropTokens<T>,
                                          &LayerNorm<T>, &LayerNormBackward<T>, &ResidualNorm<T>,
                                          &ResidualNormBackward<T>, &ReluDropoutBackward<T>);
};
template struct RowInstances<float>;
template struct RowInstances<__nv_bfloat16>;

}  // namespace quadhop::cuda
