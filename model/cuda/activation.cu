// Norm, ReLU and dropout of node-level rows.
#include "model/cuda/kernels_cuda.h"
#include "model/cuda/slice_columns.cuh"
#include "model/kernels/formulas.h"

namespace quadhop::cuda {
namespace {

constexpr float kEpsilon = static_cast<float>(kNormEpsilon);

struct ActivationRows {
  NormKind norm;
  int64_t rows, columns;
  const float *x, *scale, *shift, *mean, *inv_std;
  DeviceDropout dropout;
  float *x_hat, *row_inv_std, *gate, *y;
};

// One warp per row; a lane has groups of 8 columns, whose keep bits come together.
__global__ void ActivationKernel(ActivationRows args) {
  const int64_t row = WarpOfGrid(), n = args.columns;
  if (row >= args.rows) return;
  const float* x = args.x + row * n;
  float mean = 0, inv_std = 1;
  if (args.norm == NormKind::kLayer) {
    float sum = 0, squares = 0;
    for (int64_t c = Lane(); c < n; c += kWarpThreads) sum += x[c];
    mean = WarpSum(sum) / static_cast<float>(n);
    for (int64_t c = Lane(); c < n; c += kWarpThreads) squares += (x[c] - mean) * (x[c] - mean);
    inv_std = 1.0f / sqrtf(WarpSum(squares) / static_cast<float>(n) + kEpsilon);
    if (Lane() == 0) args.row_inv_std[row] = inv_std;
  }
  for (int64_t group = Lane(); group * 8 < n; group += kWarpThreads) {
    const uint8_t keep = KeepMaskOf(args.dropout, row, group);
    for (int64_t c = group * 8; c < n && c < group * 8 + 8; ++c) {
      if (args.norm == NormKind::kBatch) {
        mean = args.mean[c];
        inv_std = args.inv_std[c];
      }
      const float x_hat = (x[c] - mean) * inv_std;
      const float y = args.norm == NormKind::kNone ? x_hat : x_hat * args.scale[c] + args.shift[c];
      const bool kept = (keep >> (c % 8)) & 1;
      const float gate = y > 0 && kept ? args.dropout.scale : 0.0f;
      args.x_hat[row * n + c] = x_hat;
      args.gate[row * n + c] = gate;
      args.y[row * n + c] = y * gate;
    }
  }
}

// d *= gate, and its sums over each slice's rows. sums [Pl, 2, H].
__global__ void BackwardSumsKernel(const int64_t* offsets, int64_t columns,
                                   const float* __restrict__ gate, const float* __restrict__ x_hat,
                                   float* __restrict__ d, double* sums, PartitionGradients d_shift,
                                   PartitionGradients d_scale) {
  const SliceColumns place(columns);
  const int64_t p = place.slice, c = place.column;
  double sum = 0, sum_hat = 0;
  if (c < columns) {
    const int64_t end = offsets[p + 1];
#pragma unroll 4
    for (int64_t r = offsets[p] + WarpOfBlock(); r < end; r += kBlockWarps) {
      const int64_t at = r * columns + c;
      const float gated = d[at] * gate[at];
      sum += double{gated};
      sum_hat += double{gated} * double{x_hat[at]};
      d[at] = gated;
    }
  }
  sum = SumOverWarps(sum);
  sum_hat = SumOverWarps(sum_hat);
  if (WarpOfBlock() != 0 || c >= columns) return;
  sums[2 * p * columns + c] = sum;
  sums[(2 * p + 1) * columns + c] = sum_hat;
  if (d_shift.first == nullptr) return;
  d_shift.of(p)[c] = static_cast<float>(sum);
  d_scale.of(p)[c] = static_cast<float>(sum_hat);
}

__global__ void BatchNormBackwardKernel(int64_t rows, int64_t columns, const float* x_hat,
                                        const float* scale, const float* inv_std,
                                        const double* sums, double nodes, float* d) {
  const int64_t at = ThreadOfGrid();
  if (at >= rows * columns) return;
  const int64_t c = at % columns;
  const float mean = static_cast<float>(sums[c] / nodes);
  const float mean_hat = static_cast<float>(sums[columns + c] / nodes);
  d[at] = scale[c] * inv_std[c] * (d[at] - mean - x_hat[at] * mean_hat);
}

__global__ void LayerNormBackwardKernel(int64_t rows, int64_t columns, const float* x_hat,
                                        const float* scale, const float* row_inv_std, float* d) {
  const int64_t row = WarpOfGrid();
  if (row >= rows) return;
  x_hat += row * columns;
  d += row * columns;
  float sum = 0, sum_hat = 0;
  for (int64_t c = Lane(); c < columns; c += kWarpThreads) {
    d[c] *= scale[c];
    sum += d[c];
    sum_hat += d[c] * x_hat[c];
  }
  const float mean = WarpSum(sum) / static_cast<float>(columns);
  const float mean_hat = WarpSum(sum_hat) / static_cast<float>(columns);
  for (int64_t c = Lane(); c < columns; c += kWarpThreads)
    d[c] = row_inv_std[row] * (d[c] - mean - x_hat[c] * mean_hat);
}

}  // namespace

void CudaKernels::DoActivation(const ActivationArgs& args) {
  const ActivationRows rows{
      args.norm,         args.x.dim(0),           args.x.dim(1),
      args.x.data(),     args.scale.data(),       args.shift.data(),
      args.mean.data(),  args.inv_std.data(),     DeviceDropoutOf(args.dropout),
      args.x_hat.data(), args.row_inv_std.data(), args.gate.data(),
      args.y.data()};
  device_->Launch(ActivationKernel, {BlocksOfWarps(rows.rows), kBlockThreads}, rows);
}

void CudaKernels::DoActivationBackwardSums(const ActivationBackwardSumsArgs& args) {
  const int64_t columns = args.d.dim(1), partitions = args.slices.num_partitions();
  device_->Launch(BackwardSumsKernel, SliceColumnsGrid(partitions, columns), args.slices.array,
                  columns, args.gate.data(), args.x_hat.data(), args.d.data(), args.sums.data(),
                  args.d_shift, args.d_scale);
}

void CudaKernels::DoActivationBackward(const ActivationBackwardArgs& args) {
  if (args.norm == NormKind::kNone) return;
  const int64_t rows = args.d.dim(0), columns = args.d.dim(1);
  if (args.norm == NormKind::kLayer) {
    device_->Launch(LayerNormBackwardKernel, {BlocksOfWarps(rows), kBlockThreads}, rows, columns,
                    args.x_hat.data(), args.scale.data(), args.row_inv_std.data(), args.d.data());
    return;
  }
  device_->Launch(BatchNormBackwardKernel, {BlocksOfThreads(rows * columns), kBlockThreads}, rows,
                  columns, args.x_hat.data(), args.scale.data(), args.inv_std.data(),
                  args.sums.data(), static_cast<double>(args.global_nodes), args.d.data());
}

}  // namespace quadhop::cuda
