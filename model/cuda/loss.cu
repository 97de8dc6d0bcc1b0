// Losses and the optimiser's step.
#include <cmath>

#include "model/cuda/kernels_cuda.h"
#include "model/cuda/staged.h"
#include "model/cuda/warp.cuh"

namespace quadhop::cuda {
namespace {

// Cross entropy of one row a thread, in double as on the CPU.
__global__ void CrossEntropyKernel(int64_t rows, int64_t classes, const float* logits,
                                   const int32_t* labels, const float* class_weight, double share,
                                   float* d_logits, double* row_loss) {
  const int64_t row = ThreadOfGrid();
  if (row >= rows) return;
  const int32_t label = labels[row];
  logits += row * classes;
  d_logits += row * classes;
  row_loss[row] = 0;
  if (label < 0) {  // unlabelled
    for (int64_t c = 0; c < classes; ++c) d_logits[c] = 0;
    return;
  }
  const double weight = (class_weight == nullptr ? 1.0 : double{class_weight[label]}) * share;
  float top = logits[0];
  for (int64_t c = 1; c < classes; ++c) top = fmaxf(top, logits[c]);
  double sum = 0;
  for (int64_t c = 0; c < classes; ++c) sum += exp(double{logits[c]} - double{top});
  for (int64_t c = 0; c < classes; ++c) {
    const double p = exp(double{logits[c]} - double{top}) / sum;
    d_logits[c] = static_cast<float>(weight * (p - (c == label ? 1.0 : 0.0)));
  }
  row_loss[row] = weight * (log(sum) + double{top} - double{logits[label]});
}

// Sum over the labelled columns of one row of -log sigmoid(+-logit).
__global__ void BinaryKernel(int64_t rows, int64_t columns, const float* logits,
                             const uint8_t* labels, double weight, float* d_logits,
                             double* row_loss) {
  const int64_t row = ThreadOfGrid();
  if (row >= rows) return;
  double loss = 0;
  for (int64_t at = row * columns; at < (row + 1) * columns; ++at) {
    d_logits[at] = 0;
    if (labels[at] > 1) continue;
    const double x = double{logits[at]}, target = labels[at];
    loss += fmax(x, 0.0) - x * target + log1p(exp(-fabs(x)));
    d_logits[at] = static_cast<float>(weight * (1.0 / (1.0 + exp(-x)) - target));
  }
  row_loss[row] = weight * loss;
}

// The rows' losses of each slice, in order; a thread a slice.
__global__ void SumLossesKernel(const int64_t* offsets, int64_t partitions, const double* row_loss,
                                double* loss) {
  const int64_t p = ThreadOfGrid();
  if (p >= partitions) return;
  double sum = 0;
  for (int64_t r = offsets[p]; r < offsets[p + 1]; ++r) sum += row_loss[r];
  loss[p] = sum;
}

struct AdamConstants {
  float beta1, beta2, epsilon, step_size, inv_sqrt_correction, decay, gradient_scale;
};

__global__ void AdamKernel(AdamConstants k, int64_t n, const float* gradient, float* first_moment,
                           float* second_moment, float* value) {
  const int64_t i = ThreadOfGrid();
  if (i >= n) return;
  const float g = gradient[i] * k.gradient_scale;
  const float m = fmaf(1.0f - k.beta1, g, k.beta1 * first_moment[i]);
  const float v = fmaf((1.0f - k.beta2) * g, g, k.beta2 * second_moment[i]);
  first_moment[i] = m;
  second_moment[i] = v;
  const float denominator = fmaf(sqrtf(v), k.inv_sqrt_correction, k.epsilon);
  value[i] = value[i] * (1.0f - k.decay) - k.step_size * (m / denominator);
}

}  // namespace

void CudaKernels::DoLoss(const LossArgs& args) {
  const int64_t rows = args.logits.dim(0), classes = args.logits.dim(1);
  const int64_t partitions = args.slices.num_partitions();
  const double share = 1.0 / static_cast<double>(args.global_nodes);
  const Input<float> logits(*device_, args.logits);
  const Input<int64_t> offsets(*device_, args.slices.offsets);
  const Output<float> d_logits(*device_, args.d_logits);
  const Output<double> loss(*device_, args.loss);
  const Buffer<double> row_loss(*device_, rows);
  const Grid grid{BlocksOfThreads(rows), kBlockThreads};
  if (args.kind == LossKind::kBinary) {
    const Input<uint8_t> labels(*device_, args.multi_labels);
    device_->Launch(BinaryKernel, grid, rows, classes, logits.data(), labels.data(),
                    share / static_cast<double>(classes), d_logits.data(), row_loss.data());
  } else {
    const Input<int32_t> labels(*device_, args.labels);
    const Input<float> class_weight(*device_, args.class_weight);
    device_->Launch(CrossEntropyKernel, grid, rows, classes, logits.data(), labels.data(),
                    class_weight.data(), share, d_logits.data(), row_loss.data());
  }
  device_->Launch(SumLossesKernel, {BlocksOfThreads(partitions), kBlockThreads}, offsets.data(),
                  partitions, row_loss.data(), loss.data());
}

void CudaKernels::DoAdam(const AdamArgs& args) {
  const double t = static_cast<double>(args.step);
  AdamConstants k{};
  k.beta1 = static_cast<float>(args.beta1);
  k.beta2 = static_cast<float>(args.beta2);
  k.epsilon = static_cast<float>(args.epsilon);
  k.step_size = static_cast<float>(args.learning_rate / (1 - std::pow(args.beta1, t)));
  k.inv_sqrt_correction = static_cast<float>(1 / std::sqrt(1 - std::pow(args.beta2, t)));
  k.decay = static_cast<float>(args.learning_rate * args.weight_decay);
  k.gradient_scale = static_cast<float>(args.gradient_scale);
  const Input<float> gradient(*device_, args.gradient);
  const Updated<float> first_moment(*device_, args.first_moment);
  const Updated<float> second_moment(*device_, args.second_moment), value(*device_, args.value);
  device_->Launch(AdamKernel, {BlocksOfThreads(args.value.size()), kBlockThreads}, k,
                  args.value.size(), gradient.data(), first_moment.data(), second_moment.data(),
                  value.data());
}

}  // namespace quadhop::cuda
