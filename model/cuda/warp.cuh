// What threads of a warp do together, and values of either precision.
#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstdint>

namespace quadhop::cuda {

inline constexpr int kWarpThreads = 32;
inline constexpr int kBlockThreads = 256;
inline constexpr int kBlockWarps = kBlockThreads / kWarpThreads;
inline constexpr unsigned kAllLanes = 0xFFFFFFFFu;

// The shared memory of a block, as much as its Grid asks for. One name and type in all kernels.
extern __shared__ __align__(128) unsigned char shared_memory[];

// Sum and largest of the lanes' values, on every lane, in a fixed order.
__device__ inline float WarpSum(float value) {
  for (int distance = kWarpThreads / 2; distance > 0; distance /= 2)
    value += __shfl_xor_sync(kAllLanes, value, distance);
  return value;
}
__device__ inline float WarpMax(float value) {
  for (int distance = kWarpThreads / 2; distance > 0; distance /= 2)
    value = fmaxf(value, __shfl_xor_sync(kAllLanes, value, distance));
  return value;
}

__device__ inline int Lane() { return static_cast<int>(threadIdx.x) % kWarpThreads; }
__device__ inline int WarpOfBlock() { return static_cast<int>(threadIdx.x) / kWarpThreads; }
// The warp among all of the grid, and the thread: which row, which element is theirs.
__device__ inline int64_t WarpOfGrid() {
  return (int64_t{blockIdx.x} * blockDim.x + threadIdx.x) / kWarpThreads;
}
__device__ inline int64_t ThreadOfGrid() { return int64_t{blockIdx.x} * blockDim.x + threadIdx.x; }

// Blocks of kBlockThreads that give each of `items` a thread, or a warp.
inline int64_t BlocksOfThreads(int64_t items) {
  return (items + kBlockThreads - 1) / kBlockThreads;
}
inline int64_t BlocksOfWarps(int64_t items) { return (items + kBlockWarps - 1) / kBlockWarps; }

__device__ inline float ToFloat(float value) { return value; }
__device__ inline float ToFloat(__nv_bfloat16 value) { return __bfloat162float(value); }
template <typename T>
__device__ T FromFloat(float value);
template <>
__device__ inline float FromFloat<float>(float value) {
  return value;
}
template <>
__device__ inline __nv_bfloat16 FromFloat<__nv_bfloat16>(float value) {
  return __float2bfloat16_rn(value);
}

}  // namespace quadhop::cuda
