// The codebook's step of exponential-moving-average k-means.
#include <algorithm>
#include <cmath>

#include "model/cpu/kernels_cpu.h"
#include "model/kernels/formulas.h"

namespace quadhop::cpu {

void CpuKernels::DoCodebookRecode(const CodebookRecodeArgs& args) {
  std::fill_n(args.moves.data(), args.moves.size(), 0);
  for (int64_t p = 0; p < args.slices.num_partitions(); ++p) {
    for (int64_t r = args.slices.begin(p); r < args.slices.end(p); ++r) {
      int16_t& code = args.codes[args.nodes[r].value() - args.first_node.value()];
      args.replaced[r] = code;
      --args.moves.row(p)[code];
      code = args.nearest[r];
      ++args.moves.row(p)[code];
    }
  }
}

void CpuKernels::DoCodebookCount(TensorView<const int64_t> moves, TensorView<int64_t> counts,
                                 TensorView<float> log_count) {
  for (int64_t m = 0; m < counts.size(); ++m) {
    if (!moves.empty()) counts[m] += moves[m];
    log_count[m] = std::log(static_cast<float>(counts[m]));
  }
}

void CpuKernels::DoCodebookMove(const CodebookMoveArgs& args) {
  const int64_t centroids = args.embedding.dim(0), width = args.embedding.dim(1);
  const float *hits = args.hits_and_sums.data(), *sums = hits + centroids;
  double all = 0;
  for (int64_t m = 0; m < centroids; ++m) {
    args.sizes[m] = MovedAverage(args.decay, args.sizes[m], 1 - args.decay, double{hits[m]});
    all += double{args.sizes[m]};
  }
  const double smoothing = SizeSmoothing(all, centroids);
  for (int64_t m = 0; m < centroids; ++m) {
    args.sizes[m] = SmoothedSize(args.sizes[m], smoothing);
    for (int64_t c = 0; c < width; ++c) {
      float& sum = args.sums.row(m)[c];
      sum = MovedAverage(args.decay, sum, 1 - args.decay, double{sums[m * width + c]});
      args.embedding.row(m)[c] = sum / args.sizes[m];
    }
  }
}

void CpuKernels::DoCodebookOutput(TensorView<const float> embedding, TensorView<const float> mean,
                                  TensorView<const float> variance, TensorView<float> output) {
  for (int64_t c = 0; c < embedding.dim(1); ++c) {
    const float deviation = static_cast<float>(Deviation(double{variance[c]}));
    for (int64_t m = 0; m < embedding.dim(0); ++m)
      output.row(m)[c] = embedding.row(m)[c] * deviation + mean[c];
  }
}

}  // namespace quadhop::cpu
