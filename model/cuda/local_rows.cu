#include <tuple>

#include "model/cuda/local_rows.h"
#include "model/formulas.h"

namespace quadhop::cuda {
namespace {

constexpr float kEpsilon = static_cast<float>(kNormEpsilon);

template <typename T>
__global__ void RoundKernel(const float* x, int64_t n, T* y) {
  const int64_t i = ThreadOfGrid();
  if (i < n) y[i] = FromFloat<T>(x[i]);
}

// A warp a piece.
template <typename T>
__global__ void GatherKernel(const float* features, const LocalRow* sampled, int64_t pieces,
                             int64_t piece, T* x) {
  const int64_t item = WarpOfGrid();
  if (item >= pieces) return;
  const float* from = features + int64_t{sampled[item].value()} * piece;
  T* to = x + item * piece;
#pragma unroll 4
  for (int64_t i = Lane(); i < piece; i += kWarpThreads) to[i] = FromFloat<T>(from[i]);
}

// A thread a group of 8 columns.
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

// Parts of the sums: of scale, shift, d_u.
template <typename T, int kGroups>
__global__ void __launch_bounds__(kBlockThreads, kGroups == 1 ? 3 : 1)
    LayerNormBackwardKernel(LayerNormBackwardRows<T> args, float* parts) {
  const LayerNormRows<T>& forward = args.forward;
  const BlockRows block(args.slices, blockIdx.x);
  const int64_t n = forward.width;
  BlockColumnSums<kGroups, 3> sums;
  Group scale[kGroups] = {};
  ForEachGroup<kGroups>(
      n, [&](int i, int64_t column) { scale[i] = LoadGroup(forward.scale, n, column); });
  for (int64_t row = block.begin + WarpOfBlock(); row < block.end; row += kBlockWarps) {
    const float mean = forward.mean[row], inv_std = forward.inv_std[row];
    Group d_hat[kGroups] = {}, u_hat[kGroups] = {};
    float sum = 0, sum_hat = 0;
    ForEachGroup<kGroups>(n, [&](int i, int64_t column) {
      d_hat[i] = LoadGroup(args.d_z + row * n, n, column);
      u_hat[i] = LoadGroup(forward.u + row * n, n, column);
      ForEachColumn(n, column, [&](int c) {
        float &d = d_hat[i].at[c], &hat = u_hat[i].at[c];
        hat = (hat - mean) * inv_std;
        sums.Add(0, i, c, d * hat);
        sums.Add(1, i, c, d);
        d *= scale[i].at[c];
        sum += d;
        sum_hat = fmaf(d, hat, sum_hat);
      });
    });
    const float mean_d = RowMean(sum, n), mean_d_hat = RowMean(sum_hat, n);
    ForEachGroup<kGroups>(n, [&](int i, int64_t column) {
      Group d_u = LoadGroup(args.d_u + row * n, n, column);
      ForEachColumn(n, column, [&](int c) {
        d_u.at[c] += inv_std * (d_hat[i].at[c] - mean_d - u_hat[i].at[c] * mean_d_hat);
        sums.Add(2, i, c, d_u.at[c]);
      });
      StoreGroup(d_u, n, column, args.d_u + row * n);
    });
  }
  sums.Store(n, parts);
}

// The keep bits of a group, which are stored where there is a dropout.
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
  Group x[kGroups] = {};
  float sum = 0, squares = 0;
  ForEachGroup<kGroups>(n, [&](int i, int64_t column) {
    const uint8_t of_attention =
        MaskAndStore(args.attention_dropout, attention_keep, row, n, column, args.attention_keep);
    const uint8_t of_residual =
        MaskAndStore(args.residual_dropout, residual_keep, row, n, column, args.residual_keep);
    const Group attended = LoadGroup(args.attended + row * n, n, column);
    const Group residual = LoadGroup(args.residual + row * n, n, column);
    const Group attended_bias = LoadGroup(args.attended_bias, n, column);
    const Group residual_bias = LoadGroup(args.residual_bias, n, column);
    ForEachColumn(n, column, [&](int c) {
      float v = attended.at[c] + attended_bias.at[c];
      v = (of_attention >> c) & 1 ? v * args.attention_dropout.scale : 0.0f;
      v += residual.at[c] + residual_bias.at[c];
      v = (of_residual >> c) & 1 ? v * args.residual_dropout.scale : 0.0f;
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

// Parts of the sums: of d_residual, d_attended.
template <typename T, int kGroups>
__global__ void __launch_bounds__(kBlockThreads, kGroups <= 2 ? 2 : 1)
    ResidualNormBackwardKernel(ResidualBackwardRows<T> args, float* parts) {
  const ReadoutRows<T>& readout = args.readout;
  const BlockRows block(args.slices, blockIdx.x);
  const int64_t n = readout.width, groups = (n + kGroupColumns - 1) / kGroupColumns;
  BlockColumnSums<kGroups, 2> sums;
  for (int64_t row = block.begin + WarpOfBlock(); row < block.end; row += kBlockWarps) {
    const int64_t node = readout.tokens.node[row];
    const bool first = row == readout.tokens.begin[node];
    const float from_readout = readout.alpha[row] + (first ? 1.0f : 0.0f);
    const float from_score = args.d_score[row], inv_std = args.inv_std[row];
    Group d_hat[kGroups] = {}, x_hat[kGroups] = {};
    float sum = 0, sum_hat = 0;
    ForEachGroup<kGroups>(n, [&](int i, int64_t column) {
      x_hat[i] = LoadGroup(readout.t_hat + row * n, n, column);
      const Group scale = LoadGroup(readout.scale, n, column);
      const Group w_read = LoadGroup(readout.w_read, n, column);
      d_hat[i] = LoadGroup(args.d_y + node * n, n, column);
      ForEachColumn(n, column, [&](int c) {
        float& d = d_hat[i].at[c];
        d = scale.at[c] * (from_readout * d + from_score * w_read.at[c]);
        sum += d;
        sum_hat = fmaf(d, x_hat[i].at[c], sum_hat);
      });
    });
    const float mean_d = RowMean(sum, n), mean_d_hat = RowMean(sum_hat, n);
    ForEachGroup<kGroups>(n, [&](int i, int64_t column) {
      const int64_t at = row * groups + column / kGroupColumns;
      const unsigned of_residual = args.residual_scale != 0 ? args.residual_keep[at] : 0xFFu;
      const unsigned of_attention = args.attention_scale != 0 ? args.attention_keep[at] : 0xFFu;
      const float residual_scale = args.residual_scale != 0 ? args.residual_scale : 1.0f;
      const float attention_scale = args.attention_scale != 0 ? args.attention_scale : 1.0f;
      Group d_residual, d_attended;
      for (int c = 0; c < kGroupColumns; ++c) {
        float v = inv_std * (d_hat[i].at[c] - mean_d - x_hat[i].at[c] * mean_d_hat);
        v = (of_residual >> c) & 1 ? v * residual_scale : 0.0f;
        d_residual.at[c] = v;
        d_attended.at[c] = (of_attention >> c) & 1 ? v * attention_scale : 0.0f;
        sums.Add(0, i, c, d_residual.at[c]);
        sums.Add(1, i, c, d_attended.at[c]);
      }
      StoreGroup(d_residual, n, column, args.d_residual + row * n);
      StoreGroup(d_attended, n, column, args.d_attended + row * n);
    });
  }
  sums.Store(n, parts);
}

template <typename T, int kGroups>
__global__ void ReluDropoutBackwardKernel(SliceRows slices, const T* a, float scale, int64_t width,
                                          T* d_a, float* parts) {
  const BlockRows block(slices, blockIdx.x);
  BlockColumnSums<kGroups, 1> sums;
  for (int64_t row = block.begin + WarpOfBlock(); row < block.end; row += kBlockWarps) {
    ForEachGroup<kGroups>(width, [&](int i, int64_t column) {
      const Group of_a = LoadGroup(a + row * width, width, column);
      Group d = LoadGroup(d_a + row * width, width, column);
      for (int c = 0; c < kGroupColumns; ++c) {
        d.at[c] = of_a.at[c] > 0 ? d.at[c] * scale : 0.0f;
        sums.Add(0, i, c, d.at[c]);
      }
      StoreGroup(d, width, column, d_a + row * width);
    });
  }
  sums.Store(width, parts);
}

// A block for each block of the slices' rows, with shared memory for its sums.
Grid GridOf(const SliceRows& slices, int64_t columns) {
  return {slices.slices * slices.blocks, kBlockThreads,
          static_cast<size_t>(kBlockWarps * columns) * sizeof(float)};
}

}  // namespace

template <typename T>
void Round(Device& device, const float* x, int64_t n, T* y) {
  device.Launch(RoundKernel<T>, {BlocksOfThreads(n), kBlockThreads}, x, n, y);
}

template <typename T>
void GatherTokens(Device& device, const float* features, const LocalRow* sampled, int64_t pieces,
                  int64_t piece, T* x) {
  device.Launch(GatherKernel<T>, {BlocksOfWarps(pieces), kBlockThreads}, features, sampled, pieces,
                piece, x);
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
  WithGroupsOfLane(device, args.width, [&](auto groups) {
    device.Launch(LayerNormKernel<T, groups>, {BlocksOfWarps(args.rows), kBlockThreads}, args);
  });
}

template <typename T>
void LayerNormBackward(Device& device, const LayerNormBackwardRows<T>& args) {
  const int64_t width = args.forward.width;
  const Buffer<float> parts(device, args.slices.slices * args.slices.blocks * 3 * width);
  WithGroupsOfLane(device, width, [&](auto groups) {
    device.Launch(LayerNormBackwardKernel<T, groups>, GridOf(args.slices, width), args,
                  parts.data());
  });
  SumParts(device, args.slices, parts.data(), 3, width,
           {{args.d_scale, args.d_shift, args.d_u_sum}});
}

template <typename T>
void ResidualNorm(Device& device, const ResidualRows<T>& args) {
  WithGroupsOfLane(device, args.width, [&](auto groups) {
    device.Launch(ResidualNormKernel<T, groups>, {BlocksOfWarps(args.tokens.rows), kBlockThreads},
                  args);
  });
}

template <typename T>
void ResidualNormBackward(Device& device, const ResidualBackwardRows<T>& args) {
  const int64_t width = args.readout.width;
  const Buffer<float> parts(device, args.slices.slices * args.slices.blocks * 2 * width);
  WithGroupsOfLane(device, width, [&](auto groups) {
    device.Launch(ResidualNormBackwardKernel<T, groups>, GridOf(args.slices, width), args,
                  parts.data());
  });
  SumParts(device, args.slices, parts.data(), 2, width,
           {{args.d_residual_sum, args.d_attended_sum}});
}

template <typename T>
void ReluDropoutBackward(Device& device, const SliceRows& slices, const T* a, float scale,
                         int64_t width, T* d_a, const PartitionGradients& sum) {
  const Buffer<float> parts(device, slices.slices * slices.blocks * width);
  WithGroupsOfLane(device, width, [&](auto groups) {
    device.Launch(ReluDropoutBackwardKernel<T, groups>, GridOf(slices, width), slices, a, scale,
                  width, d_a, parts.data());
  });
  SumParts(device, slices, parts.data(), 1, width, {{sum}});
}

template <typename T>
struct Instances {
  static constexpr auto kAll =
      std::tuple(&Round<T>, &GatherTokens<T>, &DropTokens<T>, &LayerNorm<T>, &LayerNormBackward<T>,
                 &ResidualNorm<T>, &ResidualNormBackward<T>, &ReluDropoutBackward<T>);
};
template struct Instances<float>;
template struct Instances<__nv_bfloat16>;

}  // namespace quadhop::cuda
