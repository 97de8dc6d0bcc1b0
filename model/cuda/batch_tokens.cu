#include <algorithm>

#include "model/cuda/batch_tokens.h"
#include "model/cuda/warp.cuh"

namespace quadhop::cuda {
namespace {

// One block per node.
__global__ void ExpandKernel(const int64_t* offsets, const int32_t* multiplicity,
                             int64_t hops_and_self, int64_t* begin, int32_t* node,
                             float* log_multiplicity, float* log_own_others) {
  const int64_t b = blockIdx.x, first = offsets[b], end = offsets[b + 1];
  for (int64_t row = first * hops_and_self + threadIdx.x; row < end * hops_and_self;
       row += blockDim.x) {
    node[row] = static_cast<int32_t>(b);
    log_multiplicity[row] = logf(static_cast<float>(multiplicity[row / hops_and_self]));
  }
  if (threadIdx.x != 0) return;
  begin[b] = first * hops_and_self;
  if (b + 1 == gridDim.x) begin[b + 1] = end * hops_and_self;
  const int32_t own = multiplicity[first];
  log_own_others[b] = own > 1 ? logf(static_cast<float>(own - 1)) : -INFINITY;
}

}  // namespace

void BatchTokens::Set(Device& device, const Batch& batch, const BatchArrays& arrays,
                      int64_t hops_and_self) {
  rows_.nodes = batch.num_nodes();
  rows_.rows = hops_and_self * batch.sampled_offsets.back();
  rows_.most_tokens = 0;
  for (size_t b = 0; b < batch.nodes.size(); ++b) {
    const int64_t entries = batch.sampled_offsets[b + 1] - batch.sampled_offsets[b];
    rows_.most_tokens = std::max(rows_.most_tokens, static_cast<int>(hops_and_self * entries));
  }
  begin_.Reserve(device, rows_.nodes + 1);
  node_.Reserve(device, rows_.rows);
  log_multiplicity_.Reserve(device, rows_.rows);
  log_own_others_.Reserve(device, rows_.nodes);
  device.Launch(ExpandKernel, {rows_.nodes, kBlockThreads}, arrays.sampled_offsets().data(),
                arrays.multiplicity().data(), hops_and_self, begin_.data(), node_.data(),
                log_multiplicity_.data(), log_own_others_.data());
  rows_.begin = begin_.data();
  rows_.node = node_.data();
  rows_.log_multiplicity = log_multiplicity_.data();
  rows_.log_own_others = log_own_others_.data();
}

}  // namespace quadhop::cuda
