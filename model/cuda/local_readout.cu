// The readout of the local module: a block a node, whose tokens' rows it goes over twice.
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

// dots[j] = sum_c weight(c) t_hat[j, c], a warp a token; ends in step.
template <typename T, typename Weight>
__device__ void DotTokens(const NodeTokens<T>& tokens, int64_t width, const Weight& weight,
                          float* dots) {
  for (int64_t j = WarpOfBlock(); j < tokens.count; j += kBlockWarps) {
    float sum = 0;
    for (int64_t c = Lane(); c < width; c += kWarpThreads)
      sum = fmaf(weight(c), ToFloat(tokens.t_hat[j * width + c]), sum);
    sum = WarpSum(sum);
    if (Lane() == 0) dots[j] = sum;
  }
  __syncthreads();
}

template <typename T>
__global__ void ReadoutKernel(ReadoutRows<T> args, float* y) {
  const NodeTokens<T> tokens(args);
  const int64_t n = args.width;
  float* alpha = reinterpret_cast<float*>(shared_memory);  // [S]
  // The shift's part of the score is the same for all tokens, and cancels.
  DotTokens(
      tokens, n, [&](int64_t c) { return args.scale[c] * args.w_read[c]; }, alpha);
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
  for (int64_t c = threadIdx.x; c < n; c += kBlockThreads) {
    float sum = ToFloat(tokens.t_hat[c]);
    for (int64_t j = 0; j < tokens.count; ++j)
      sum = fmaf(alpha[j], ToFloat(tokens.t_hat[j * n + c]), sum);
    y[tokens.node * n + c] = fmaf(sum, args.scale[c], 2 * args.shift[c]);
  }
}

template <typename T>
__global__ void ReadoutBackwardKernel(ReadoutRows<T> args, const float* d_y, float* d_score,
                                      float* parts) {
  const NodeTokens<T> tokens(args);
  const int64_t n = args.width;
  const float* alpha = args.alpha + tokens.first_row;
  d_y += tokens.node * n;
  float* d = reinterpret_cast<float*>(shared_memory);  // [S]
  DotTokens(
      tokens, n, [&](int64_t c) { return args.scale[c] * d_y[c]; }, d);
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
  for (int64_t c = threadIdx.x; c < n; c += kBlockThreads) {
    // read = t_hat_0 + sum alpha_j t_hat_j; scored = sum d_score_j t_hat_j.
    float read = ToFloat(tokens.t_hat[c]), scored = 0;
    for (int64_t j = 0; j < tokens.count; ++j) {
      const float t = ToFloat(tokens.t_hat[j * n + c]);
      read = fmaf(alpha[j], t, read);
      scored = fmaf(d[j], t, scored);
    }
    float* of_node = parts + tokens.node * 3 * n + c;
    of_node[0] = d_y[c] * read + args.w_read[c] * scored;
    of_node[n] = 2 * d_y[c];
    of_node[2 * n] = args.scale[c] * scored;
  }
}

// A block a node, with shared memory for its tokens.
template <typename T>
Grid GridOf(const ReadoutRows<T>& args) {
  return {args.tokens.nodes, kBlockThreads,
          static_cast<size_t>(args.tokens.most_tokens) * sizeof(float)};
}

}  // namespace

template <typename T>
void Readout(Device& device, const ReadoutRows<T>& args, float* y) {
  device.Launch(ReadoutKernel<T>, GridOf(args), args, y);
}

template <typename T>
void ReadoutBackward(Device& device, const ReadoutRows<T>& args, const float* d_y, float* d_score,
                     float* parts) {
  device.Launch(ReadoutBackwardKernel<T>, GridOf(args), args, d_y, d_score, parts);
}

template void Readout(Device&, const ReadoutRows<float>&, float*);
template void Readout(Device&, const ReadoutRows<__nv_bfloat16>&, float*);
template void ReadoutBackward(Device&, const ReadoutRows<float>&, const float*, float*, float*);
template void ReadoutBackward(Device&, const ReadoutRows<__nv_bfloat16>&, const float*, float*,
                              float*);

}  // namespace quadhop::cuda
