// Losses.
#include "model/cuda/kernels_cuda.h"
#include "model/cuda/warp.cuh"

namespace quadhop::cuda {
namespace {

// Cross entropy, one row per warp, in double as on the CPU.
__global__ void CrossEntropyKernel(int64_t rows, int64_t classes, const float* logits,
                                   const int32_t* labels, const float* class_weight, double share,
                                   float* d_logits, double* row_loss) {
  const int64_t row = WarpOfGrid();
  if (row >= rows) return;
  const int32_t label = labels[row];
  logits += row * classes;
  d_logits += row * classes;
  if (label < 0) {  // unlabelled
    for (int64_t c = Lane(); c < classes; c += kWarpThreads) d_logits[c] = 0;
    if (Lane() == 0) row_loss[row] = 0;
    return;
  }
  const double weight = (class_weight == nullptr ? 1.0 : double{class_weight[label]}) * share;
  float top = -INFINITY;
  for (int64_t c = Lane(); c < classes; c += kWarpThreads) top = fmaxf(top, logits[c]);
  top = WarpMax(top);
  double sum = 0;
  for (int64_t c = Lane(); c < classes; c += kWarpThreads)
    sum += exp(double{logits[c]} - double{top});
  sum = WarpSum(sum);
  for (int64_t c = Lane(); c < classes; c += kWarpThreads) {
    const double p = exp(double{logits[c]} - double{top}) / sum;
    d_logits[c] = static_cast<float>(weight * (p - (c == label ? 1.0 : 0.0)));
  }
  if (Lane() == 0) row_loss[row] = weight * (log(sum) + double{top} - double{logits[label]});
}

// Sum over the labelled columns of one row of -log sigmoid(+-logit), times the class's weight where
// the label is 1; times `weight`. One row per warp.
__global__ void BinaryKernel(int64_t rows, int64_t columns, const float* logits,
                             const uint8_t* labels, const float* class_weight, double weight,
                             float* d_logits, double* row_loss) {
  const int64_t row = WarpOfGrid();
  if (row >= rows) return;
  logits += row * columns;
  labels += row * columns;
  d_logits += row * columns;
  double loss = 0;
  for (int64_t c = Lane(); c < columns; c += kWarpThreads) {
    d_logits[c] = 0;
    if (labels[c] > 1) continue;
    const double x = double{logits[c]}, target = labels[c];
    const double of_class =
        class_weight == nullptr || labels[c] == 0 ? 1.0 : double{class_weight[c]};
    loss += of_class * (fmax(x, 0.0) - x * target + log1p(exp(-fabs(x))));
    d_logits[c] = static_cast<float>(weight * of_class * (1.0 / (1.0 + exp(-x)) - target));
  }
  loss = WarpSum(loss);
  if (Lane() == 0) row_loss[row] = weight * loss;
}

// Sums the rows' losses of each slice; one warp per slice.
__global__ void SumLossesKernel(const int64_t* offsets, int64_t partitions, const double* row_loss,
                                double* loss) {
  const int64_t p = WarpOfGrid();
  if (p >= partitions) return;
  double sum = 0;
  for (int64_t r = offsets[p] + Lane(); r < offsets[p + 1]; r += kWarpThreads) sum += row_loss[r];
  sum = WarpSum(sum);
  if (Lane() == 0) loss[p] = sum;
}

}  // namespace

void CudaKernels::DoLoss(const LossArgs& args) {
  const int64_t rows = args.logits.dim(0), classes = args.logits.dim(1);
  const int64_t partitions = args.slices.num_partitions();
  const double share = 1.0 / static_cast<double>(args.global_nodes);
  const Buffer<double> row_loss(*device_, rows);
  if (args.kind == LossKind::kBinary) {
    device_->Launch(BinaryKernel, {BlocksOfWarps(rows), kBlockThreads}, rows, classes,
                    args.logits.data(), args.multi_labels.data(), args.class_weight.data(),
                    share / static_cast<double>(classes), args.d_logits.data(), row_loss.data());
  } else {
    device_->Launch(CrossEntropyKernel, {BlocksOfWarps(rows), kBlockThreads}, rows, classes,
                    args.logits.data(), args.labels.data(), args.class_weight.data(), share,
                    args.d_logits.data(), row_loss.data());
  }
  device_->Launch(SumLossesKernel, {BlocksOfWarps(partitions), kBlockThreads}, args.slices.array,
                  partitions, row_loss.data(), args.loss.data());
}

}  // namespace quadhop::cuda
