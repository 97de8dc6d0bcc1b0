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

// A block a piece.
template <typename T>
__global__ void GatherKernel(const float* features, const LocalRow* sampled, int64_t piece, T* x) {
  const float* from = features + int64_t{sampled[blockIdx.x].value()} * piece;
  T* to = x + int64_t{blockIdx.x} * piece;
  for (int64_t i = threadIdx.x; i < piece; i += blockDim.x) to[i] = FromFloat<T>(from[i]);
}

// Of values [8 * group, 8 * group + 8) of a token's row of `groups` such groups: a node's values
// are those of its tokens, one after the other.
__device__ uint8_t KeepMaskOfToken(const DeviceDropout& dropout, const TokenRows& tokens,
                                   int64_t row, int64_t groups, int64_t group) {
  const int64_t node = tokens.node[row];
  return KeepMaskOf(dropout, node, (row - tokens.begin[node]) * groups + group);
}

// A thread a group of 8 columns, whose keep bits come together.
template <typename T>
__global__ void DropTokensKernel(DeviceDropout dropout, TokenRows tokens, int64_t width, T* a) {
  const int64_t groups = (width + 7) / 8, item = ThreadOfGrid();
  if (item >= tokens.rows * groups) return;
  const int64_t row = item / groups, group = item % groups;
  const uint8_t keep = KeepMaskOfToken(dropout, tokens, row, groups, group);
  for (int64_t c = group * 8; c < width && c < group * 8 + 8; ++c) {
    T& value = a[row * width + c];
    value = FromFloat<T>((keep >> (c % 8)) & 1 ? ToFloat(value) * dropout.scale : 0.0f);
  }
}

template <typename T>
__global__ void LayerNormKernel(LayerNormRows<T> args) {
  const int64_t row = WarpOfGrid(), n = args.width;
  if (row >= args.rows) return;
  const T* u = args.u + row * n;
  float sum = 0, squares = 0;
  for (int64_t c = Lane(); c < n; c += kWarpThreads) sum += ToFloat(u[c]);
  const float mean = WarpSum(sum) / static_cast<float>(n);
  for (int64_t c = Lane(); c < n; c += kWarpThreads) {
    const float deviation = ToFloat(u[c]) - mean;
    squares = fmaf(deviation, deviation, squares);
  }
  const float inv_std = 1.0f / sqrtf(WarpSum(squares) / static_cast<float>(n) + kEpsilon);
  for (int64_t c = Lane(); c < n; c += kWarpThreads) {
    const float u_hat = (ToFloat(u[c]) - mean) * inv_std;
    args.z[row * n + c] = FromFloat<T>(fmaf(u_hat, args.scale[c], args.shift[c]));
  }
  if (Lane() == 0) {
    args.mean[row] = mean;
    args.inv_std[row] = inv_std;
  }
}

template <typename T>
__global__ void LayerNormBackwardKernel(LayerNormRows<T> args, const float* d_z, float* d_u) {
  const int64_t row = WarpOfGrid(), n = args.width;
  if (row >= args.rows) return;
  const T* u = args.u + row * n;
  d_z += row * n;
  d_u += row * n;
  const float mean = args.mean[row], inv_std = args.inv_std[row];
  float sum = 0, sum_hat = 0;
  for (int64_t c = Lane(); c < n; c += kWarpThreads) {
    const float d_hat = d_z[c] * args.scale[c];
    sum += d_hat;
    sum_hat = fmaf(d_hat, (ToFloat(u[c]) - mean) * inv_std, sum_hat);
  }
  const float mean_d = WarpSum(sum) / static_cast<float>(n);
  const float mean_d_hat = WarpSum(sum_hat) / static_cast<float>(n);
  for (int64_t c = Lane(); c < n; c += kWarpThreads) {
    const float u_hat = (ToFloat(u[c]) - mean) * inv_std;
    d_u[c] += inv_std * (d_z[c] * args.scale[c] - mean_d - u_hat * mean_d_hat);
  }
}

// The keep bits of one group of a row, stored where there is a dropout.
__device__ uint8_t KeepAndStore(const DeviceDropout& dropout, const TokenRows& tokens, int64_t row,
                                int64_t groups, int64_t group, uint8_t* keep) {
  if (dropout.threshold == 0) return 0xFF;
  const uint8_t mask = KeepMaskOfToken(dropout, tokens, row, groups, group);
  keep[row * groups + group] = mask;
  return mask;
}

template <typename T>
__global__ void ResidualNormKernel(ResidualRows<T> args) {
  const int64_t row = WarpOfGrid(), n = args.width, groups = (n + 7) / 8;
  if (row >= args.tokens.rows) return;
  float* x = args.residual + row * n;
  const float* attended = args.attended + row * n;
  float sum = 0, squares = 0;
  for (int64_t group = Lane(); group < groups; group += kWarpThreads) {
    const uint8_t of_attention =
        KeepAndStore(args.attention_dropout, args.tokens, row, groups, group, args.attention_keep);
    const uint8_t of_residual =
        KeepAndStore(args.residual_dropout, args.tokens, row, groups, group, args.residual_keep);
    for (int64_t c = group * 8; c < n && c < group * 8 + 8; ++c) {
      float v = attended[c] + args.attended_bias[c];
      v = (of_attention >> (c % 8)) & 1 ? v * args.attention_dropout.scale : 0.0f;
      v += x[c] + args.residual_bias[c];
      v = (of_residual >> (c % 8)) & 1 ? v * args.residual_dropout.scale : 0.0f;
      x[c] = v;
      sum += v;
    }
  }
  // From here on a lane reads only what it wrote.
  const float mean = WarpSum(sum) / static_cast<float>(n);
  for (int64_t group = Lane(); group < groups; group += kWarpThreads)
    for (int64_t c = group * 8; c < n && c < group * 8 + 8; ++c)
      squares = fmaf(x[c] - mean, x[c] - mean, squares);
  const float inv_std = 1.0f / sqrtf(WarpSum(squares) / static_cast<float>(n) + kEpsilon);
  for (int64_t group = Lane(); group < groups; group += kWarpThreads)
    for (int64_t c = group * 8; c < n && c < group * 8 + 8; ++c)
      args.x_hat[row * n + c] = FromFloat<T>((x[c] - mean) * inv_std);
  if (Lane() == 0) args.inv_std[row] = inv_std;
}

template <typename T>
__global__ void ResidualNormBackwardKernel(ResidualBackwardRows<T> args) {
  const ReadoutRows<T>& readout = args.readout;
  const int64_t row = WarpOfGrid(), n = readout.width, groups = (n + 7) / 8;
  if (row >= readout.tokens.rows) return;
  const int64_t node = readout.tokens.node[row];
  const bool first = row == readout.tokens.begin[node];
  const float from_readout = readout.alpha[row] + (first ? 1.0f : 0.0f);
  const float from_score = args.d_score[row];
  const T* x_hat = readout.t_hat + row * n;
  const float* d_y = args.d_y + node * n;
  const auto d_hat = [&](int64_t c) {
    return readout.scale[c] * (from_readout * d_y[c] + from_score * readout.w_read[c]);
  };
  float sum = 0, sum_hat = 0;
  for (int64_t c = Lane(); c < n; c += kWarpThreads) {
    sum += d_hat(c);
    sum_hat = fmaf(d_hat(c), ToFloat(x_hat[c]), sum_hat);
  }
  const float mean_d = WarpSum(sum) / static_cast<float>(n);
  const float mean_d_hat = WarpSum(sum_hat) / static_cast<float>(n);
  for (int64_t c = Lane(); c < n; c += kWarpThreads) {
    const int64_t at = row * groups + c / 8;
    float v = args.inv_std[row] * (d_hat(c) - mean_d - ToFloat(x_hat[c]) * mean_d_hat);
    if (args.residual_scale != 0)
      v = (args.residual_keep[at] >> (c % 8)) & 1 ? v * args.residual_scale : 0.0f;
    args.d_residual[row * n + c] = FromFloat<T>(v);
    if (args.attention_scale != 0)
      v = (args.attention_keep[at] >> (c % 8)) & 1 ? v * args.attention_scale : 0.0f;
    args.d_attended[row * n + c] = FromFloat<T>(v);
  }
}

template <typename T>
__global__ void ReluDropoutBackwardKernel(const float* d_a, const T* a, float scale, int64_t n,
                                          T* d_x) {
  const int64_t i = ThreadOfGrid();
  if (i < n) d_x[i] = FromFloat<T>(ToFloat(a[i]) > 0 ? d_a[i] * scale : 0.0f);
}

}  // namespace

template <typename T>
void Round(Device& device, const float* x, int64_t n, T* y) {
  device.Launch(RoundKernel<T>, {BlocksOfThreads(n), kBlockThreads}, x, n, y);
}

template <typename T>
void GatherTokens(Device& device, const float* features, const LocalRow* sampled, int64_t pieces,
                  int64_t piece, T* x) {
  device.Launch(GatherKernel<T>, {pieces, kBlockThreads}, features, sampled, piece, x);
}

template <typename T>
void DropTokens(Device& device, const DeviceDropout& dropout, const TokenRows& tokens,
                int64_t width, T* a) {
  if (dropout.threshold == 0) return;
  device.Launch(DropTokensKernel<T>,
                {BlocksOfThreads(tokens.rows * ((width + 7) / 8)), kBlockThreads}, dropout, tokens,
                width, a);
}

template <typename T>
void LayerNorm(Device& device, const LayerNormRows<T>& args) {
  device.Launch(LayerNormKernel<T>, {BlocksOfWarps(args.rows), kBlockThreads}, args);
}

template <typename T>
void LayerNormBackward(Device& device, const LayerNormRows<T>& args, const float* d_z, float* d_u) {
  device.Launch(LayerNormBackwardKernel<T>, {BlocksOfWarps(args.rows), kBlockThreads}, args, d_z,
                d_u);
}

template <typename T>
void ResidualNorm(Device& device, const ResidualRows<T>& args) {
  device.Launch(ResidualNormKernel<T>, {BlocksOfWarps(args.tokens.rows), kBlockThreads}, args);
}

template <typename T>
void ResidualNormBackward(Device& device, const ResidualBackwardRows<T>& args) {
  device.Launch(ResidualNormBackwardKernel<T>,
                {BlocksOfWarps(args.readout.tokens.rows), kBlockThreads}, args);
}

template <typename T>
void ReluDropoutBackward(Device& device, const float* d_a, const T* a, float scale, int64_t n,
                         T* d_x) {
  device.Launch(ReluDropoutBackwardKernel<T>, {BlocksOfThreads(n), kBlockThreads}, d_a, a, scale, n,
                d_x);
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
