// The moments that batch norm needs, and rows as they are normalised.
#include "model/cuda/kernels_cuda.h"
#include "model/cuda/slice_columns.cuh"
#include "model/kernels/formulas.h"

namespace quadhop::cuda {
namespace {

// Moments of each slice's rows, in two passes.
__global__ void MomentsKernel(const int64_t* offsets, int64_t columns, const float* x,
                              Moments* moments) {
  const SliceColumns place(columns);
  const int64_t p = place.slice, c = place.column, begin = offsets[p], end = offsets[p + 1];
  const double count = static_cast<double>(end - begin);
  const auto sum_rows = [&](const auto& value) {
    double sum = 0;
    if (c < columns)
      for (int64_t r = begin + WarpOfBlock(); r < end; r += kBlockWarps)
        sum += value(double{x[r * columns + c]});
    return SumOverWarps(sum);
  };
  double mean = sum_rows([](double value) { return value; });
  if (count > 0) mean /= count;
  const double m2 = sum_rows([mean](double value) { return (value - mean) * (value - mean); });
  if (WarpOfBlock() != 0 || c >= columns) return;
  Moments& of_column = moments[p * columns + c];
  of_column.count = count;
  of_column.mean = mean;
  of_column.m2 = m2;
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
  device_->Launch(MomentsKernel, SliceColumnsGrid(slices.num_partitions(), x.dim(1)), slices.array,
                  x.dim(1), x.data(), moments.data());
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
