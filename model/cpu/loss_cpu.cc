// Losses.
#include <algorithm>
#include <cmath>

#include "model/cpu/kernels_cpu.h"

namespace quadhop::cpu {
namespace {

// Cross entropy of one row; d_logits gets its gradient times `weight`.
double CrossEntropyRow(const float* logits, int64_t classes, int32_t label, double weight,
                       float* d_logits) {
  const double top = double{*std::max_element(logits, logits + classes)};
  double sum = 0;
  for (int64_t c = 0; c < classes; ++c) sum += std::exp(double{logits[c]} - top);
  for (int64_t c = 0; c < classes; ++c) {
    const double p = std::exp(double{logits[c]} - top) / sum;
    d_logits[c] = static_cast<float>(weight * (p - (c == label ? 1.0 : 0.0)));
  }
  return weight * (std::log(sum) + top - double{logits[label]});
}

// Sum over the labelled columns of one row of -log sigmoid(+-logit), times the class's weight where
// the label is 1; times `weight`.
double BinaryRow(const float* logits, int64_t columns, const uint8_t* labels,
                 TensorView<const float> class_weight, double weight, float* d_logits) {
  double loss = 0;
  for (int64_t c = 0; c < columns; ++c) {
    d_logits[c] = 0;
    if (labels[c] > 1) continue;
    const double x = double{logits[c]}, target = labels[c];
    const double of_class = class_weight.empty() || labels[c] == 0 ? 1.0 : double{class_weight[c]};
    loss += of_class * (std::max(x, 0.0) - x * target + std::log1p(std::exp(-std::abs(x))));
    d_logits[c] = static_cast<float>(weight * of_class * (1.0 / (1.0 + std::exp(-x)) - target));
  }
  return weight * loss;
}

}  // namespace

void CpuKernels::DoLoss(const LossArgs& args) {
  const int64_t classes = args.logits.dim(1);
  const double share = 1.0 / static_cast<double>(args.global_nodes);
  pool_.ParallelFor(args.slices.num_partitions(), [&](int64_t p, int) {
    double loss = 0;
    for (int64_t r = args.slices.begin(p); r < args.slices.end(p); ++r) {
      if (args.kind == LossKind::kBinary) {
        loss += BinaryRow(args.logits.row(r), classes, args.multi_labels.row(r), args.class_weight,
                          share / static_cast<double>(classes), args.d_logits.row(r));
      } else {
        const int32_t label = args.labels[r];
        if (label < 0) {  // unlabelled
          std::fill_n(args.d_logits.row(r), classes, 0.0f);
          continue;
        }
        const double weight = args.class_weight.empty() ? 1.0 : double{args.class_weight[label]};
        loss += CrossEntropyRow(args.logits.row(r), classes, label, weight * share,
                                args.d_logits.row(r));
      }
    }
    args.loss[p] = loss;
  });
}

}  // namespace quadhop::cpu
