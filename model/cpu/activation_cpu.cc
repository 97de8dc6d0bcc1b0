// Norm, ReLU and dropout of node-level rows.
#include <algorithm>
#include <cmath>

#include "model/cpu/dropout_bits.h"
#include "model/cpu/kernels_cpu.h"
#include "model/kernels/formulas.h"

namespace quadhop::cpu {
namespace {

constexpr int64_t kTileColumns = 32;
constexpr float kEpsilon = static_cast<float>(kNormEpsilon);

// One row of x_hat, and its inverse standard deviation.
float NormaliseRow(const float* x, int64_t n, float* x_hat) {
  float sum = 0;
  for (int64_t c = 0; c < n; ++c) sum += x[c];
  const float mean = sum / static_cast<float>(n);
  float squares = 0;
  for (int64_t c = 0; c < n; ++c) squares += (x[c] - mean) * (x[c] - mean);
  const float inv_std = 1.0f / std::sqrt(squares / static_cast<float>(n) + kEpsilon);
  for (int64_t c = 0; c < n; ++c) x_hat[c] = (x[c] - mean) * inv_std;
  return inv_std;
}

// d_x of one layer-normed row from d_norm, in place.
void NormaliseRowBackward(const float* x_hat, const float* scale, float inv_std, int64_t n,
                          float* d) {
  float sum = 0, sum_hat = 0;
  for (int64_t c = 0; c < n; ++c) {
    d[c] *= scale[c];
    sum += d[c];
    sum_hat += d[c] * x_hat[c];
  }
  const float mean = sum / static_cast<float>(n), mean_hat = sum_hat / static_cast<float>(n);
  for (int64_t c = 0; c < n; ++c) d[c] = inv_std * (d[c] - mean - x_hat[c] * mean_hat);
}

// dy/d(norm(x)) without the norm: 0, 1 or the dropout's factor.
void GateRow(const Dropout& dropout, int64_t row, int64_t n, const float* norm, float* gate) {
  for (int64_t c = 0; c < n; ++c) gate[c] = norm[c] > 0 ? 1.0f : 0.0f;
  if (dropout.probability == 0) return;
  const float scale = DropoutScale(dropout.probability);
  std::vector<uint8_t> keep(static_cast<size_t>(KeepBytes(n)));
  NodeKeepBits(dropout, row, KeepBytes(n), keep.data());
  for (int64_t c = 0; c < n; ++c) {
    const bool kept = (keep[static_cast<size_t>(c / 8)] >> (c % 8)) & 1;
    gate[c] *= kept ? scale : 0.0f;
  }
}

}  // namespace

void CpuKernels::DoActivation(const ActivationArgs& args) {
  const int64_t columns = args.x.dim(1);
  pool_.ParallelFor(NumBlocks(args.x.dim(0), kTileRows), [&](int64_t item, int) {
    const BlockRange range = Block(item, args.x.dim(0), kTileRows);
    for (int64_t r = range.begin; r < range.end; ++r) {
      const float* x = args.x.row(r);
      float *x_hat = args.x_hat.row(r), *y = args.y.row(r), *gate = args.gate.row(r);
      switch (args.norm) {
        case NormKind::kBatch:
          for (int64_t c = 0; c < columns; ++c) x_hat[c] = (x[c] - args.mean[c]) * args.inv_std[c];
          break;
        case NormKind::kLayer:
          args.row_inv_std[r] = NormaliseRow(x, columns, x_hat);
          break;
        case NormKind::kNone:
          std::copy_n(x, columns, x_hat);
          break;
      }
      const bool affine = args.norm != NormKind::kNone;
      for (int64_t c = 0; c < columns; ++c)
        y[c] = affine ? x_hat[c] * args.scale[c] + args.shift[c] : x_hat[c];
      GateRow(args.dropout, r, columns, y, gate);
      for (int64_t c = 0; c < columns; ++c) y[c] *= gate[c];
    }
  });
}

void CpuKernels::DoActivationBackwardSums(const ActivationBackwardSumsArgs& args) {
  const int64_t columns = args.d.dim(1), blocks = NumBlocks(columns, kTileColumns);
  pool_.ParallelFor(args.slices.num_partitions() * blocks, [&](int64_t item, int) {
    const int64_t p = item / blocks;
    const BlockRange range = Block(item % blocks, columns, kTileColumns);
    double* sum = args.sums.row(p) + range.begin;
    double* sum_hat = sum + columns;
    const int64_t n = range.end - range.begin;
    std::fill_n(sum, n, 0.0);
    std::fill_n(sum_hat, n, 0.0);
    for (int64_t r = args.slices.begin(p); r < args.slices.end(p); ++r) {
      float* d = args.d.row(r) + range.begin;
      const float* gate = args.gate.row(r) + range.begin;
      const float* x_hat = args.x_hat.row(r) + range.begin;
      for (int64_t c = 0; c < n; ++c) {
        d[c] *= gate[c];
        sum[c] += double{d[c]};
        sum_hat[c] += double{d[c]} * double{x_hat[c]};
      }
    }
    for (int64_t c = 0; c < n && args.d_shift.first != nullptr; ++c) {
      args.d_shift.of(p)[range.begin + c] = static_cast<float>(sum[c]);
      args.d_scale.of(p)[range.begin + c] = static_cast<float>(sum_hat[c]);
    }
  });
}

void CpuKernels::DoActivationBackward(const ActivationBackwardArgs& args) {
  const int64_t columns = args.d.dim(1);
  pool_.ParallelFor(NumBlocks(args.d.dim(0), kTileRows), [&](int64_t item, int) {
    const BlockRange range = Block(item, args.d.dim(0), kTileRows);
    for (int64_t r = range.begin; r < range.end; ++r) {
      const float* x_hat = args.x_hat.row(r);
      float* d = args.d.row(r);
      if (args.norm == NormKind::kLayer) {
        NormaliseRowBackward(x_hat, args.scale.data(), args.row_inv_std[r], columns, d);
      } else if (args.norm == NormKind::kBatch) {
        const double nodes = static_cast<double>(args.global_nodes);
        for (int64_t c = 0; c < columns; ++c) {
          const float mean = static_cast<float>(args.sums[c] / nodes);
          const float mean_hat = static_cast<float>(args.sums[columns + c] / nodes);
          d[c] = args.scale[c] * args.inv_std[c] * (d[c] - mean - x_hat[c] * mean_hat);
        }
      }
    }
  });
}

}  // namespace quadhop::cpu
