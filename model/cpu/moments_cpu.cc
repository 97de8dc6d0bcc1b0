// The moments that batch norm needs, and rows as they are normalised or gathered.
#include <algorithm>

#include "model/cpu/kernels_cpu.h"
#include "model/kernels/formulas.h"

namespace quadhop::cpu {
namespace {

constexpr int64_t kTileColumns = 32;

}  // namespace

void CpuKernels::DoColumnMoments(const Slices& slices, TensorView<const float> x,
                                 TensorView<Moments> moments) {
  const int64_t columns = x.dim(1), blocks = NumBlocks(columns, kTileColumns);
  pool_.ParallelFor(slices.num_partitions() * blocks, [&](int64_t item, int) {
    const int64_t p = item / blocks, begin = slices.begin(p), end = slices.end(p);
    const BlockRange range = Block(item % blocks, columns, kTileColumns);
    const double count = static_cast<double>(end - begin);
    double mean[kTileColumns] = {}, m2[kTileColumns] = {};
    const int64_t n = range.end - range.begin;
    for (int64_t r = begin; r < end; ++r)
      for (int64_t c = 0; c < n; ++c) mean[c] += double{x.row(r)[range.begin + c]};
    for (int64_t c = 0; c < n && count > 0; ++c) mean[c] /= count;
    for (int64_t r = begin; r < end; ++r) {
      for (int64_t c = 0; c < n; ++c) {
        const double deviation = double{x.row(r)[range.begin + c]} - mean[c];
        m2[c] += deviation * deviation;
      }
    }
    for (int64_t c = 0; c < n; ++c) moments.row(p)[range.begin + c] = {count, mean[c], m2[c]};
  });
}

void CpuKernels::DoTakeMoments(const TakeMomentsArgs& args) {
  for (int64_t c = 0; c < args.total.size(); ++c) {
    const Moments& moments = args.total[c];
    args.mean[c] = static_cast<float>(moments.mean);
    args.inv_std[c] = static_cast<float>(1.0 / Deviation(moments.m2 / moments.count));
    float &mean = args.running_mean[c], &var = args.running_var[c];
    mean = MovedAverage(1 - kMomentum, mean, kMomentum, moments.mean);
    var = MovedAverage(1 - kMomentum, var, kMomentum, UnbiasedVariance(moments));
  }
}

void CpuKernels::DoInverseDeviation(TensorView<const float> variance, TensorView<float> inv_std) {
  for (int64_t c = 0; c < variance.size(); ++c)
    inv_std[c] = static_cast<float>(1.0 / Deviation(double{variance[c]}));
}

void CpuKernels::DoStandardise(TensorView<const float> x, TensorView<const float> mean,
                               TensorView<const float> inv_std, TensorView<float> y) {
  for (int64_t r = 0; r < x.dim(0); ++r)
    for (int64_t c = 0; c < x.dim(1); ++c) y.row(r)[c] = (x.row(r)[c] - mean[c]) * inv_std[c];
}

}  // namespace quadhop::cpu
