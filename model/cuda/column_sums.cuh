// Sums over the rows of a slice: first over blocks of kSumRows rows, each in order, then over the
// blocks in order, so that digits depend on the slice alone.
#pragma once

#include "core/cuda/cuda_device.h"
#include "model/cuda/warp.cuh"

namespace quadhop::cuda {

inline constexpr int64_t kSumRows = 128;

// Parts [blocks, columns] of value(row, column) over rows [begin, end).
template <typename Value>
__global__ void SumBlocksKernel(Value value, int64_t begin, int64_t end, int64_t columns,
                                float* parts) {
  const int64_t column_blocks = (columns + kBlockThreads - 1) / kBlockThreads;
  const int64_t block = blockIdx.x / column_blocks;
  const int64_t column = blockIdx.x % column_blocks * kBlockThreads + threadIdx.x;
  if (column >= columns) return;
  const int64_t first = begin + block * kSumRows;
  const int64_t last = first + kSumRows < end ? first + kSumRows : end;
  float sum = 0;
  for (int64_t row = first; row < last; ++row) sum += value(row, column);
  parts[block * columns + column] = sum;
}

// sums [columns] of parts [blocks, columns]. (Not a template, but of this file alone.)
static __global__ void SumPartsKernel(const float* parts, int64_t blocks, int64_t columns,
                                      float* sums) {
  const int64_t column = ThreadOfGrid();
  if (column >= columns) return;
  float sum = 0;
  for (int64_t block = 0; block < blocks; ++block) sum += parts[block * columns + column];
  sums[column] = sum;
}

// sums [columns] = sum over rows [begin, end) of value(row, column), a callable on the device.
template <typename Value>
void SumColumns(Device& device, const Value& value, int64_t begin, int64_t end, int64_t columns,
                float* sums) {
  const int64_t blocks = (end - begin + kSumRows - 1) / kSumRows;
  const int64_t column_blocks = (columns + kBlockThreads - 1) / kBlockThreads;
  const Buffer<float> parts(device, blocks * columns);
  device.Launch(SumBlocksKernel<Value>, {blocks * column_blocks, kBlockThreads}, value, begin, end,
                columns, parts.data());
  device.Launch(SumPartsKernel, {BlocksOfThreads(columns), kBlockThreads},
                static_cast<const float*>(parts.data()), blocks, columns, sums);
}

// A matrix as a value to be summed.
template <typename T>
struct MatrixValue {
  const T* x;
  int64_t columns;
  __device__ float operator()(int64_t row, int64_t column) const {
    return ToFloat(x[row * columns + column]);
  }
};

}  // namespace quadhop::cuda
