// Threads of a block: how many there are, which is which, and the memory that they share.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace quadhop::cuda {

inline constexpr int kWarpThreads = 32;
inline constexpr int kBlockThreads = 256;
inline constexpr int kBlockWarps = kBlockThreads / kWarpThreads;
inline constexpr unsigned kAllLanes = 0xFFFFFFFFu;

// The shared memory of a block, as much as its Grid asks for. One name and type in all kernels.
extern __shared__ __align__(1024) unsigned char shared_memory[];

__device__ inline int Lane() { return static_cast<int>(threadIdx.x) % kWarpThreads; }
__device__ inline int WarpOfBlock() { return static_cast<int>(threadIdx.x) / kWarpThreads; }
// The number of this warp, and of this thread, in the grid: which row, which element is theirs.
__device__ inline int64_t WarpOfGrid() {
  return (int64_t{blockIdx.x} * blockDim.x + threadIdx.x) / kWarpThreads;
}
__device__ inline int64_t ThreadOfGrid() { return int64_t{blockIdx.x} * blockDim.x + threadIdx.x; }

// Blocks of kBlockThreads that give each of `items` a thread, or a warp.
inline int64_t BlocksOfThreads(int64_t items) {
  return (items + kBlockThreads - 1) / kBlockThreads;
}
inline int64_t BlocksOfWarps(int64_t items) { return (items + kBlockWarps - 1) / kBlockWarps; }

}  // namespace quadhop::cuda
