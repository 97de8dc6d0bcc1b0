// The readout of the local module: a block a node, whose tokens' rows it goes over twice, a warp a
// row.
#include "model/cuda/local_rows.h"

namespace quadhop::cuda {
namespace {

// One node's tokens.
template <typename T>
struct NodeTokens {
  __device__ explicit NodeTokens(const ReadoutRows<T>& args)
      : node(blockIdx.x),
        first_row(args.tokens.begin[node]),
        count(args.tokens.begin[node + 1] - first_row),
        t_hat(args.t_hat + first_row * args.width) {}
  const int64_t node, first_row, count;
  const T* const t_hat;  // [S, W]
};

// dots[j] = sum_c weight[c] t_hat[j, c]; ends in step.
template <int kGroups, typename T>
__device__ void DotTokens(const NodeTokens<T>& tokens, int64_t width,
                          const Group (&weight)[kGroups], float* dots) {
#pragma unroll 2
  for (int64_t j = WarpOfBlock(); j < tokens.count; j += kBlockWarps) {
    float sum = 0;
    ForEachGroup<kGroups>(width, [&](int i, int64_t column) {
      const Group t = LoadGroup(tokens.t_hat + j * width, width, column);
      for (int c = 0; c < kGroupColumns; ++c) sum = fmaf(weight[i].at[c], t.at[c], sum);
    });
    sum = WarpSum(sum);
    if (Lane() == 0) dots[j] = sum;
  }
  __syncthreads();
}

// The products of two vectors [W], as a lane has them.
template <int kGroups>
__device__ void MultiplyGroups(const float* a, const float* b, int64_t width,
                               Group (&product)[kGroups]) {
  ForEachGroup<kGroups>(width, [&](int i, int64_t column) {
    product[i] = LoadGroup(a, width, column);
    const Group other = LoadGroup(b, width, column);
    for (int c = 0; c < kGroupColumns; ++c) product[i].at[c] *= other.at[c];
  });
}

template <typename T, int kGroups>
__global__ void __launch_bounds__(kBlockThreads) ReadoutKernel(ReadoutRows<T> args, float* y) {
  const NodeTokens<T> tokens(args);
  const int64_t n = args.width;
  float* alpha = reinterpret_cast<float*>(shared_memory);  // [S]
  // The shift's part of the score is the same for all tokens, and cancels.
  Group weight[kGroups] = {};
  MultiplyGroups(args.scale, args.w_read, n, weight);
  DotTokens(tokens, n, weight, alpha);
  if (WarpOfBlock() == 0) {
    float top = -INFINITY, sum = 0;
    for (int64_t j = Lane(); j < tokens.count; j += kWarpThreads) {
      alpha[j] += j == 0 ? args.tokens.log_own_others[tokens.node]
                         : args.tokens.log_multiplicity[tokens.first_row + j];
      top = fmaxf(top, alpha[j]);
    }
    top = WarpMax(top);
    for (int64_t j = Lane(); j < tokens.count; j += kWarpThreads) {
      alpha[j] = alpha[j] == -INFINITY ? 0.0f : expf(alpha[j] - top);
      sum += alpha[j];
    }
    sum = WarpSum(sum);
    for (int64_t j = Lane(); j < tokens.count; j += kWarpThreads) {
      if (sum > 0) alpha[j] /= sum;
      args.alpha[tokens.first_row + j] = alpha[j];
    }
  }
  __syncthreads();
  BlockColumnSums<kGroups, 1> sums;  // t_hat_0 + sum alpha_j t_hat_j
#pragma unroll 2
  for (int64_t j = WarpOfBlock(); j < tokens.count; j += kBlockWarps) {
    const float share = alpha[j] + (j == 0 ? 1.0f : 0.0f);
    ForEachGroup<kGroups>(n, [&](int i, int64_t column) {
      const Group t = LoadGroup(tokens.t_hat + j * n, n, column);
      for (int c = 0; c < kGroupColumns; ++c) sums.Add(0, i, c, share * t.at[c]);
    });
  }
  const float* read = sums.Totals(n, alpha + args.tokens.most_tokens);
  for (int64_t c = threadIdx.x; c < n; c += kBlockThreads)
    y[tokens.node * n + c] = fmaf(read[c], args.scale[c], 2 * args.shift[c]);
}

template <typename T, int kGroups>
__global__ void __launch_bounds__(kBlockThreads)
    ReadoutBackwardKernel(ReadoutRows<T> args, const float* d_y, float* d_score, float* parts) {
  const NodeTokens<T> tokens(args);
  const int64_t n = args.width;
  const float* alpha = args.alpha + tokens.first_row;
  d_y += tokens.node * n;
  float* d = reinterpret_cast<float*>(shared_memory);  // [S]
  Group weight[kGroups] = {};
  MultiplyGroups(args.scale, d_y, n, weight);
  DotTokens(tokens, n, weight, d);
  if (WarpOfBlock() == 0) {
    float sum = 0;
    for (int64_t j = Lane(); j < tokens.count; j += kWarpThreads) sum = fmaf(alpha[j], d[j], sum);
    const float mean = WarpSum(sum);
    for (int64_t j = Lane(); j < tokens.count; j += kWarpThreads) {
      d[j] = alpha[j] * (d[j] - mean);
      d_score[tokens.first_row + j] = d[j];
    }
  }
  __syncthreads();
  BlockColumnSums<kGroups, 2> sums;  // t_hat_0 + sum alpha_j t_hat_j, and sum d_score_j t_hat_j
#pragma unroll 2
  for (int64_t j = WarpOfBlock(); j < tokens.count; j += kBlockWarps) {
    const float share = alpha[j] + (j == 0 ? 1.0f : 0.0f), d_j = d[j];
    ForEachGroup<kGroups>(n, [&](int i, int64_t column) {
      const Group t = LoadGroup(tokens.t_hat + j * n, n, column);
      for (int c = 0; c < kGroupColumns; ++c) {
        sums.Add(0, i, c, share * t.at[c]);
        sums.Add(1, i, c, d_j * t.at[c]);
      }
    });
  }
  const float* read = sums.Totals(n, d + args.tokens.most_tokens);
  const float* scored = read + n;
  for (int64_t c = threadIdx.x; c < n; c += kBlockThreads) {
    float* of_node = parts + tokens.node * 3 * n + c;
    of_node[0] = d_y[c] * read[c] + args.w_read[c] * scored[c];
    of_node[n] = 2 * d_y[c];
    of_node[2 * n] = args.scale[c] * scored[c];
  }
}

// A block a node, with shared memory for its tokens and sums.
template <int kSums, typename T>
Grid GridOf(const ReadoutRows<T>& args) {
  const int64_t floats =
      args.tokens.most_tokens + BlockColumnSums<1, kSums>::SharedFloats(args.width);
  return {args.tokens.nodes, kBlockThreads, static_cast<size_t>(floats) * sizeof(float)};
}

}  // namespace

template <typename T>
void Readout(Device& device, const ReadoutRows<T>& args, float* y) {
  WithGroupsOfLane(device, args.width, [&](auto groups) {
    device.Launch(ReadoutKernel<T, groups>, GridOf<1>(args), args, y);
  });
}

template <typename T>
void ReadoutBackward(Device& device, const ReadoutRows<T>& args, const float* d_y, float* d_score,
                     float* parts) {
  WithGroupsOfLane(device, args.width, [&](auto groups) {
    device.Launch(ReadoutBackwardKernel<T, groups>, GridOf<2>(args), args, d_y, d_score, parts);
  });
}

template void Readout(Device&, const ReadoutRows<float>&, float*);
template void Readout(Device&, const ReadoutRows<__nv_bfloat16>&, float*);
template void ReadoutBackward(Device&, const ReadoutRows<float>&, const float*, float*, float*);
template void ReadoutBackward(Device&, const ReadoutRows<__nv_bfloat16>&, const float*, float*,
                              float*);

}  // namespace quadhop::cuda
