// Running sums over the threads of a block.
#pragma once

#include <cstdint>

#include "core/cuda/threads.cuh"

namespace quadhop::cuda {

// Returns the sum of `value` over the threads up to this one; sets `total` to that over the block.
// warp_totals [kBlockWarps] is shared memory for this alone. All threads call it; what they wrote
// to shared memory before is seen by all after it.
__device__ inline int64_t BlockScan(int64_t value, int64_t* warp_totals, int64_t& total) {
  int64_t sum = value, warp_total = value;
  for (int distance = 1; distance < kWarpThreads; distance *= 2) {
    const int64_t other = __shfl_xor_sync(kAllLanes, warp_total, distance);
    if ((Lane() & distance) != 0) sum += other;
    warp_total += other;
  }
  __syncthreads();  // all have read the totals of the previous scan
  if (Lane() == 0) warp_totals[WarpOfBlock()] = warp_total;
  __syncthreads();
  total = 0;
  for (int warp = 0; warp < kBlockWarps; ++warp) {
    if (warp < WarpOfBlock()) sum += warp_totals[warp];
    total += warp_totals[warp];
  }
  return sum;
}

}  // namespace quadhop::cuda
