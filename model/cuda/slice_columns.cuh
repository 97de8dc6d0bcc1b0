// Sums in double over each slice's rows: a block has columns of one slice, one per lane, and each
// of its warps takes every kBlockWarps-th row.
#pragma once

#include "core/cuda/cuda_device.h"
#include "model/cuda/warp.cuh"

namespace quadhop::cuda {

struct SliceColumns {
  __device__ explicit SliceColumns(int64_t columns) {
    const int64_t column_blocks = (columns + kWarpThreads - 1) / kWarpThreads;
    slice = blockIdx.x / column_blocks;
    column = blockIdx.x % column_blocks * kWarpThreads + Lane();
  }
  int64_t slice;
  int64_t column;  // may be beyond the last
};
inline Grid SliceColumnsGrid(int64_t slices, int64_t columns) {
  return {slices * ((columns + kWarpThreads - 1) / kWarpThreads), kBlockThreads,
          kBlockThreads * sizeof(double)};
}

// The sum of what the warps have for the lane's column, in order; every warp gets it. In step.
__device__ inline double SumOverWarps(double value) {
  double* shared = reinterpret_cast<double*>(shared_memory);  // [kBlockWarps, kWarpThreads]
  __syncthreads();
  shared[threadIdx.x] = value;
  __syncthreads();
  double sum = 0;
  for (int warp = 0; warp < kBlockWarps; ++warp) sum += shared[warp * kWarpThreads + Lane()];
  return sum;
}

}  // namespace quadhop::cuda
