// The optimiser's step, and the check of what it is given.
#include "model/cuda/kernels_cuda.h"
#include "model/cuda/warp.cuh"
#include "model/kernels/adam_constants.h"
#include "model/kernels/formulas.h"

namespace quadhop::cuda {
namespace {

constexpr int64_t kSquaresPerLane = 64;  // that one thread adds up

// gradient_scale: nullptr without clipping.
__global__ void AdamKernel(AdamConstants k, const float* gradient_scale, int64_t n,
                           const float* gradient, float* first_moment, float* second_moment,
                           float* value) {
  const int64_t i = ThreadOfGrid();
  if (i >= n) return;
  const float g = gradient_scale == nullptr ? gradient[i] : gradient[i] * *gradient_scale;
  const float m = fmaf(1.0f - k.beta1, g, k.beta1 * first_moment[i]);
  const float v = fmaf((1.0f - k.beta2) * g, g, k.beta2 * second_moment[i]);
  first_moment[i] = m;
  second_moment[i] = v;
  const float denominator = fmaf(sqrtf(v), k.inv_sqrt_correction, k.epsilon);
  value[i] = value[i] * (1.0f - k.decay) - k.step_size * (m / denominator);
}

// Parts [warps] of the sum of squares of x [n], each of the same number of consecutive values.
__global__ void SquaresKernel(int64_t n, const float* x, int64_t parts, double* part) {
  const int64_t warp = WarpOfGrid();
  if (warp >= parts) return;
  const int64_t begin = warp * kSquaresPerLane * kWarpThreads;
  const int64_t end = begin + kSquaresPerLane * kWarpThreads;
  double sum = 0;
  for (int64_t i = begin + Lane(); i < n && i < end; i += kWarpThreads)
    sum += double{x[i]} * double{x[i]};
  sum = WarpSum(sum);
  if (Lane() == 0) part[warp] = sum;
}

// One warp.
__global__ void ScaleKernel(int64_t parts, const double* part, double clip_norm, float* scale) {
  double sum = 0;
  for (int64_t i = Lane(); i < parts; i += kWarpThreads) sum += part[i];
  sum = WarpSum(sum);
  if (Lane() == 0) *scale = GradientScale(sum, clip_norm);
}

// Every thread that finds a bad value writes 0: they all write the same.
__global__ void CheckFiniteKernel(int64_t n, const float* x, double* all_finite) {
  const int64_t i = ThreadOfGrid();
  if (i < n && !IsFinite(__float_as_uint(x[i]))) *all_finite = 0;
}

__global__ void SetOneKernel(double* value) {
  if (threadIdx.x == 0) *value = 1;
}

}  // namespace

void CudaKernels::DoAdam(const AdamArgs& args) {
  const int64_t n = args.value.size();
  Buffer<float> scale;
  if (args.clip_norm > 0) {
    constexpr int64_t kSquaresPerWarp = kSquaresPerLane * kWarpThreads;
    const int64_t parts = (n + kSquaresPerWarp - 1) / kSquaresPerWarp;
    const Buffer<double> part(*device_, parts);
    scale.Reserve(*device_, 1);
    device_->Launch(SquaresKernel, {BlocksOfWarps(parts), kBlockThreads}, n, args.gradient.data(),
                    parts, part.data());
    device_->Launch(ScaleKernel, {1, kWarpThreads}, parts, part.data(), args.clip_norm,
                    scale.data());
  }
  device_->Launch(AdamKernel, {BlocksOfThreads(n), kBlockThreads}, AdamConstantsOf(args),
                  scale.data(), n, args.gradient.data(), args.first_moment.data(),
                  args.second_moment.data(), args.value.data());
}

void CudaKernels::DoCheckFinite(TensorView<const float> x, TensorView<double> all_finite) {
  device_->Launch(SetOneKernel, {1, kWarpThreads}, all_finite.data());
  device_->Launch(CheckFiniteKernel, {BlocksOfThreads(x.size()), kBlockThreads}, x.size(), x.data(),
                  all_finite.data());
}

}  // namespace quadhop::cuda
