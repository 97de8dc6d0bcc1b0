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
                             int64_t tokens, int64_t columns, int64_t stride, T* x) {
  const int64_t item = WarpOfGrid();
  if (item >= pieces) return;
  const float* from = features + int64_t{sampled[item].value()} * tokens * columns;
  T* to = x + item * tokens * stride;
  for (int64_t token = 0; token < tokens; ++token) {
#pragma unroll 4
    for (int64_t c = Lane(); c < stride; c += kWarpThreads)
      to[token * stride + c] = FromFloat<T>(c < columns ? from[token * columns + c] : 0.0f);
  }
}

// Rows of `columns` values to rows of `stride`, zeros beyond.
template <typename T>
__global__ void PadKernel(const T* from, int64_t rows, int64_t columns, int64_t stride, T* to) {
  const int64_t item = ThreadOfGrid(), row = item / stride, c = item % stride;
  if (row < rows) to[item] = c < columns ? from[row * columns + c] : FromFloat<T>(0.0f);
}

__global__ void DropoutKeysKernel(DeviceDropout dropout, int64_t nodes, uint64_t* keys) {
  const int64_t node = ThreadOfGrid();
  if (node < nodes) keys[node] = DropoutKey(dropout, node);
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

// Calls use(row, load(row)) for the warp's rows of a block; the next row is loaded ahead.
template <typename Load, typename Use>
__device__ void ForEachRowAhead(const BlockRows& block, const Load& load, const Use& use) {
  int64_t row = block.begin + WarpOfBlock();
  if (row >= block.end) return;
  auto next = load(row);
  for (; row < block.end; row += kBlockWarps) {
    const auto now = next;
    if (row + kBlockWarps < block.end) next = load(row + kBlockWarps);
    use(row, now);
  }
}

template <typename T, int kGroups>
struct LayerNormBackwardRow {
  float mean, inv_std;
  StoredGroup<T> d_z[kGroups], u[kGroups], d_u[kGroups];
};

// Parts of the sums: of scale, shift, d_u.
template <typename T, int kGroups>
__global__ void __launch_bounds__(kBlockThreads, kGroups == 1 ? 2 : 1)
    LayerNormBackwardKernel(LayerNormBackwardRows<T> args, float* parts) {
  const LayerNormRows<T>& forward = args.forward;
  const int64_t n = forward.width;
  BlockColumnSums<kGroups, 3> sums;
  const auto load = [&](int64_t row) {
    LayerNormBackwardRow<T, kGroups> loaded{};
    loaded.mean = forward.mean[row];
    loaded.inv_std = forward.inv_std[row];
    ForEachGroup<kGroups>(n, [&](int i, int64_t column) {
      loaded.d_z[i] = LoadStored(args.d_z + row * n, n, column);
      loaded.u[i] = LoadStored(forward.u + row * n, n, column);
      loaded.d_u[i] = LoadStored(static_cast<const T*>(args.d_u) + row * n, n, column);
    });
    return loaded;
  };
  const auto use = [&](int64_t row, const LayerNormBackwardRow<T, kGroups>& loaded) {
    Group d_hat[kGroups] = {}, u_hat[kGroups] = {};
    float sum = 0, sum_hat = 0;
    ForEachGroup<kGroups>(n, [&](int i, int64_t column) {
      d_hat[i] = Widen(loaded.d_z[i]);
      u_hat[i] = Widen(loaded.u[i]);
      const Group scale = LoadGroup(forward.scale, n, column);
      ForEachColumn(n, column, [&](int c) {
        float &d = d_hat[i].at[c], &hat = u_hat[i].at[c];
        hat = (hat - loaded.mean) * loaded.inv_std;
        sums.Add(0, i, c, d * hat);
        sums.Add(1, i, c, d);
        d *= scale.at[c];
        sum += d;
        sum_hat = fmaf(d, hat, sum_hat);
      });
    });
    const float mean_d = RowMean(sum, n), mean_d_hat = RowMean(sum_hat, n);
    ForEachGroup<kGroups>(n, [&](int i, int64_t column) {
      Group d_u = Widen(loaded.d_u[i]);
      ForEachColumn(n, column, [&](int c) {
        d_u.at[c] += loaded.inv_std * (d_hat[i].at[c] - mean_d - u_hat[i].at[c] * mean_d_hat);
        sums.Add(2, i, c, d_u.at[c]);
      });
      StoreGroup(d_u, n, column, args.d_u + row * n);
    });
  };
  ForEachRowAhead(BlockRows(args.slices, blockIdx.x), load, use);
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

template <typename T, int kGroups>
struct ResidualNormBackwardRow {
  int64_t node;
  float from_readout, from_score, inv_std;
  StoredGroup<T> x_hat[kGroups];
  uint8_t residual_keep[kGroups], attention_keep[kGroups];
};

// Parts of the sums: of d_residual, d_attended.
template <typename T, int kGroups>
__global__ void __launch_bounds__(kBlockThreads, sizeof(T) == 2 && kGroups <= 2 ? 2 : 1)
    ResidualNormBackwardKernel(ResidualBackwardRows<T> args, float* parts) {
  const ReadoutRows<T>& readout = args.readout;
  const int64_t n = readout.width, groups = (n + kGroupColumns - 1) / kGroupColumns;
  BlockColumnSums<kGroups, 2> sums;
  float* scale = reinterpret_cast<float*>(shared_memory) + sums.SharedFloats(n);  // [W]
  float* scaled_read = scale + n;                                                 // [W]
  for (int64_t c = threadIdx.x; c < n; c += kBlockThreads) {
    scale[c] = readout.scale[c];
    scaled_read[c] = readout.scale[c] * readout.w_read[c];
  }
  __syncthreads();
  const auto load = [&](int64_t row) {
    ResidualNormBackwardRow<T, kGroups> loaded{};
    loaded.node = readout.tokens.node[row];
    const bool first = row == readout.tokens.begin[loaded.node];
    loaded.from_readout = readout.alpha[row] + (first ? 1.0f : 0.0f);
    loaded.from_score = args.d_score[row];
    loaded.inv_std = args.inv_std[row];
    ForEachGroup<kGroups>(n, [&](int i, int64_t column) {
      loaded.x_hat[i] = LoadStored(readout.t_hat + row * n, n, column);
      const int64_t at = row * groups + column / kGroupColumns;
      loaded.residual_keep[i] = args.residual_scale != 0 ? args.residual_keep[at] : 0xFF;
      loaded.attention_keep[i] = args.attention_scale != 0 ? args.attention_keep[at] : 0xFF;
    });
    return loaded;
  };
  const float residual_scale = args.residual_scale != 0 ? args.residual_scale : 1.0f;
  const float attention_scale = args.attention_scale != 0 ? args.attention_scale : 1.0f;
  // Made twice: kept, it would take more registers than there are.
  const auto d_hat = [&](const ResidualNormBackwardRow<T, kGroups>& loaded, int64_t column) {
    const Group of_scale = LoadGroup(scale, n, column);
    const Group of_read = LoadGroup(scaled_read, n, column);
    Group d = LoadGroup(args.d_y + loaded.node * n, n, column);
    for (int c = 0; c < kGroupColumns; ++c)
      d.at[c] = of_scale.at[c] * loaded.from_readout * d.at[c] + loaded.from_score * of_read.at[c];
    return d;
  };
  const auto use = [&](int64_t row, const ResidualNormBackwardRow<T, kGroups>& loaded) {
    float sum = 0, sum_hat = 0;
    ForEachGroup<kGroups>(n, [&](int i, int64_t column) {
      const Group x_hat = Widen(loaded.x_hat[i]), d = d_hat(loaded, column);
      for (int c = 0; c < kGroupColumns; ++c) {  // zeros beyond the last column
        sum += d.at[c];
        sum_hat = fmaf(d.at[c], x_hat.at[c], sum_hat);
      }
    });
    const float mean_d = RowMean(sum, n), mean_d_hat = RowMean(sum_hat, n);
    ForEachGroup<kGroups>(n, [&](int i, int64_t column) {
      const Group x_hat = Widen(loaded.x_hat[i]), d = d_hat(loaded, column);
      Group d_residual, d_attended;
      for (int c = 0; c < kGroupColumns; ++c) {
        float v = loaded.inv_std * (d.at[c] - mean_d - x_hat.at[c] * mean_d_hat);
        v = (loaded.residual_keep[i] >> c) & 1 ? v * residual_scale : 0.0f;
        d_residual.at[c] = v;
        d_attended.at[c] = (loaded.attention_keep[i] >> c) & 1 ? v * attention_scale : 0.0f;
        sums.Add(0, i, c, d_residual.at[c]);
        sums.Add(1, i, c, d_attended.at[c]);
      }
      StoreGroup(d_residual, n, column, args.d_residual + row * n);
      StoreGroup(d_attended, n, column, args.d_attended + row * n);
    });
  };
  ForEachRowAhead(BlockRows(args.slices, blockIdx.x), load, use);
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
template <int kSums>
Grid GridOf(const SliceRows& slices, int64_t columns) {
  return {slices.slices * slices.blocks, kBlockThreads,
          static_cast<size_t>(BlockColumnSums<1, kSums>::SharedFloats(columns)) * sizeof(float)};
}

}  // namespace

template <typename T>
void Round(Device& device, const float* x, int64_t n, T* y) {
  device.Launch(RoundKernel<T>, {BlocksOfThreads(n), kBlockThreads}, x, n, y);
}

template <typename T>
void GatherTokens(Device& device, const float* features, TensorView<const LocalRow> sampled,
                  int64_t tokens, int64_t columns, int64_t stride, T* x) {
  device.Launch(GatherKernel<T>, {BlocksOfWarps(sampled.size()), kBlockThreads}, features,
                sampled.data(), sampled.size(), tokens, columns, stride, x);
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
  WithGroupsOfLane(device, args.width, [&](auto groups) {
    device.Launch(LayerNormKernel<T, groups>, {BlocksOfWarps(args.rows), kBlockThreads}, args);
  });
}

template <typename T>
void LayerNormBackward(Device& device, const LayerNormBackwardRows<T>& args) {
  const int64_t width = args.forward.width;
  const Buffer<float> parts(device, args.slices.slices * args.slices.blocks * 3 * width);
  WithGroupsOfLane(device, width, [&](auto groups) {
    device.Launch(LayerNormBackwardKernel<T, groups>, GridOf<3>(args.slices, width), args,
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
  Grid grid = GridOf<2>(args.slices, width);
  grid.shared_bytes += static_cast<size_t>(2 * width) * sizeof(float);
  WithGroupsOfLane(device, width, [&](auto groups) {
    device.Launch(ResidualNormBackwardKernel<T, groups>, grid, args, parts.data());
  });
  SumParts(device, args.slices, parts.data(), 2, width,
           {{args.d_residual_sum, args.d_attended_sum}});
}

template <typename T>
void ReluDropoutBackward(Device& device, const SliceRows& slices, const T* a, float scale,
                         int64_t width, T* d_a, const PartitionGradients& sum) {
  const Buffer<float> parts(device, slices.slices * slices.blocks * width);
  WithGroupsOfLane(device, width, [&](auto groups) {
    device.Launch(ReluDropoutBackwardKernel<T, groups>, GridOf<1>(slices, width), slices, a, scale,
                  width, d_a, parts.data());
  });
  SumParts(device, slices, parts.data(), 1, width, {{sum}});
}

template <typename T>
struct Instances {
  static constexpr auto kAll = std::tuple(&Round<T>, &GatherTokens<T>, &PadRows<T>, &DropTokens<T>,
                                          &LayerNorm<T>, &LayerNormBackward<T>, &ResidualNorm<T>,
                                          &ResidualNormBackward<T>, &ReluDropoutBackward<T>);
};
template struct Instances<float>;
template struct Instances<__nv_bfloat16>;

}  // namespace quadhop::cuda
