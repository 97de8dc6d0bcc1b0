// The moments that batch norm needs, and rows as they are normalised.
#include "model/cuda/kernels_cuda.h"
#include "model/cuda/warp.cuh"
#include "model/formulas.h"

namespace quadhop::cuda {
namespace {

// Moments of one column of one slice; a thread each, two passes.
__global__ void MomentsKernel(const int64_t* offsets, int64_t partitions, int64_t columns,
                              const float* x, Moments* moments) {
  const int64_t item = ThreadOfGrid();
  if (item >= partitions * columns) return;
  const int64_t p = item / columns, c = item % columns;
  const double count = static_cast<double>(offsets[p + 1] - offsets[p]);
  double mean = 0, m2 = 0;
  for (int64_t r = offsets[p]; r < offsets[p + 1]; ++r) mean += double{x[r * columns + c]};
  if (count > 0) mean /= count;
  for (int64_t r = offsets[p]; r < offsets[p + 1]; ++r) {
    const double deviation = double{x[r * columns + c]} - mean;
    m2 += deviation * deviation;
  }
  moments[item].count = count;
  moments[item].mean = mean;
  moments[item].m2 = m2;
}

__global__ void TakeMomentsKernel(int64_t columns, const Moments* total, float* mean,
                                  float* inv_std, float* running_mean, float* running_var) {
  const int64_t c = ThreadOfGrid();
  if (c >= columns) return;
  const Moments moments = total[c];
  mean[c] = static_cast<float>(moments.mean);
  inv_std[c] = static_cast<float>(1.0 / Deviation(moments.m2 / moments.count));
  running_mean[c] = MovedAverage(1 - kMomentum, running_mean[c], kMomentum, moments.mean);
  running_var[c] =
      MovedAverage(1 - kMomentum, running_var[c], kMomentum, UnbiasedVariance(moments));
}

__global__ void InverseDeviationKernel(int64_t columns, const float* variance, float* inv_std) {
  const int64_t c = ThreadOfGrid();
  if (c < columns) inv_std[c] = static_cast<float>(1.0 / Deviation(double{variance[c]}));
}

__global__ void StandardiseKernel(int64_t rows, int64_t columns, const float* x, const float* mean,
                                  const float* inv_std, float* y) {
  const int64_t at = ThreadOfGrid(), c = at % columns;
  if (at < rows * columns) y[at] = (x[at] - mean[c]) * inv_std[c];
}

}  // namespace

void CudaKernels::DoColumnMoments(const Slices& slices, TensorView<const float> x,
                                  TensorView<Moments> moments) {
  device_->Launch(MomentsKernel, {BlocksOfThreads(moments.size()), kBlockThreads}, slices.array,
                  slices.num_partitions(), x.dim(1), x.data(), moments.data());
}

void CudaKernels::DoTakeMoments(const TakeMomentsArgs& args) {
  const int64_t columns = args.total.size();
  device_->Launch(TakeMomentsKernel, {BlocksOfThreads(columns), kBlockThreads}, columns,
                  args.total.data(), args.mean.data(), args.inv_std.data(),
                  args.running_mean.data(), args.running_var.data());
}

void CudaKernels::DoInverseDeviation(TensorView<const float> variance, TensorView<float> inv_std) {
  device_->Launch(InverseDeviationKernel, {BlocksOfThreads(variance.size()), kBlockThreads},
                  variance.size(), variance.data(), inv_std.data());
}

void CudaKernels::DoStandardise(TensorView<const float> x, TensorView<const float> mean,
                                TensorView<const float> inv_std, TensorView<float> y) {
  device_->Launch(StandardiseKernel, {BlocksOfThreads(x.size()), kBlockThreads}, x.dim(0), x.dim(1),
                  x.data(), mean.data(), inv_std.data(), y.data());
}

}  // namespace quadhop::cuda
