// Sums over the rows of each slice: over blocks of kSumRows rows, then over the blocks, in an order
// that depends on the slice alone.
#pragma once

#include <algorithm>

#include "core/base/check.h"
#include "model/cuda/row_groups.cuh"
#include "model/kernels/kernels.h"

namespace quadhop::cuda {

inline constexpr int64_t kSumRows = 128;
inline constexpr int kMostSums = 3;  // of one kernel

// Which rows of a matrix belong to which slice: those of its nodes, or of their tokens.
struct SliceRows {
  const int64_t* nodes;   // [slices + 1]; nullptr: one slice has all rows
  const int64_t* tokens;  // [B + 1]: the first row of each node; nullptr: a node is a row
  int64_t slices;
  int64_t rows;    // of all slices
  int64_t blocks;  // of kSumRows rows that the largest slice has

  __device__ int64_t Begin(int64_t slice) const {
    if (nodes == nullptr) return slice * rows;
    return tokens == nullptr ? nodes[slice] : tokens[nodes[slice]];
  }
  __device__ int64_t NumBlocks(int64_t slice) const {
    return (Begin(slice + 1) - Begin(slice) + kSumRows - 1) / kSumRows;
  }
};
// first_row(node) is called on the host.
template <typename FirstRow>
SliceRows MakeSliceRows(const Slices& slices, const int64_t* tokens, const FirstRow& first_row) {
  const int64_t n = slices.num_partitions();
  QH_CHECK(slices.array != nullptr || n == 1);
  int64_t most = 0;
  for (int64_t p = 0; p < n; ++p)
    most = std::max(most, first_row(slices.end(p)) - first_row(slices.begin(p)));
  return {slices.array, tokens, n, first_row(slices.rows()), (most + kSumRows - 1) / kSumRows};
}
inline SliceRows NodeRowsOf(const Slices& slices) {
  return MakeSliceRows(slices, nullptr, [](int64_t node) { return node; });
}

// The rows of one of rows.slices * rows.blocks blocks.
struct BlockRows {
  __device__ BlockRows(const SliceRows& rows, int64_t block) {
    const int64_t slice = block / rows.blocks, end_of_slice = rows.Begin(slice + 1);
    begin = rows.Begin(slice) + block % rows.blocks * kSumRows;
    end = begin + kSumRows < end_of_slice ? begin + kSumRows : end_of_slice;
  }
  int64_t begin, end;
};

// kSums sums over the rows of a block, in which each team has rows of its own.
template <int kTeamWarps, int kSums>
class BlockColumnSums {
 public:
  using OfTeam = Team<kTeamWarps>;

  // column: one of the lane's 8.
  __device__ void Add(int sum, int column, float value) { of_team_[sum].at[column] += value; }
  // Scales what the team has added up.
  __device__ void Scale(int sum, float factor) {
    for (float& value : of_team_[sum].at) value *= factor;
  }
  // Floats of shared memory that Totals takes.
  static constexpr int64_t SharedFloats(int64_t columns) {
    return (OfTeam::kTeams + kSums) * columns;
  }
  // The sums [kSums, columns], over the teams in order; in `shared`. All threads call it, in step.
  __device__ const float* Totals(int64_t columns, float* shared) const {
    float* totals = shared + OfTeam::kTeams * columns;
    const int64_t first = OfTeam::Column();
#pragma unroll
    for (int sum = 0; sum < kSums; ++sum) {
      __syncthreads();
      ForEachColumn(columns, first, [&](int c) {
        shared[OfTeam::Index() * columns + first + c] = of_team_[sum].at[c];
      });
      __syncthreads();
      for (int64_t column = threadIdx.x; column < columns; column += kBlockThreads) {
        float total = 0;
        for (int team = 0; team < OfTeam::kTeams; ++team) total += shared[team * columns + column];
        totals[sum * columns + column] = total;
      }
    }
    __syncthreads();
    return totals;
  }
  // Writes the totals to parts [blocks, kSums, columns].
  __device__ void Store(int64_t columns, float* shared, float* parts) const {
    const float* totals = Totals(columns, shared);
    for (int64_t i = threadIdx.x; i < kSums * columns; i += kBlockThreads)
      parts[blockIdx.x * kSums * columns + i] = totals[i];
  }

 private:
  Group of_team_[kSums] = {};
};

// Where sums go: each is a row of `columns` for each slice.
struct SumsOfSlices {
  PartitionGradients of[kMostSums];
};

constexpr int kPartColumns = 32;  // of a block of SumPartsKernel: one per lane of each warp

// sums [slices] of parts [slices * blocks, num_sums, columns]. A block has kPartColumns columns of
// one slice and sum; each of its warps takes every kBlockWarps-th part. (Not a template, and so
// static.)
static __global__ void SumPartsKernel(SliceRows rows, const float* parts, int num_sums,
                                      int64_t columns, SumsOfSlices sums) {
  const int64_t column_blocks = (columns + kPartColumns - 1) / kPartColumns;
  const int64_t column = blockIdx.x % column_blocks * kPartColumns + Lane();
  const int64_t item = blockIdx.x / column_blocks, slice = item / num_sums, sum = item % num_sums;
  float* shared = reinterpret_cast<float*>(shared_memory);  // [kBlockWarps, kPartColumns]
  float of_warp = 0;
  if (column < columns) {
    const int64_t num_blocks = rows.NumBlocks(slice);
    const float* part = parts + (slice * rows.blocks * num_sums + sum) * columns + column;
    for (int64_t block = WarpOfBlock(); block < num_blocks; block += kBlockWarps)
      of_warp += part[block * num_sums * columns];
  }
  shared[threadIdx.x] = of_warp;
  __syncthreads();
  if (WarpOfBlock() != 0 || column >= columns) return;
  float total = 0;
  for (int warp = 0; warp < kBlockWarps; ++warp) total += shared[warp * kPartColumns + Lane()];
  float* first = nullptr;
  int64_t stride = 0;
  for (int i = 0; i < kMostSums; ++i) {  // no variable index, which would take a copy
    if (i != sum) continue;
    first = sums.of[i].first;
    stride = sums.of[i].stride;
  }
  first[slice * stride + column] = total;
}

inline void SumParts(Device& device, const SliceRows& rows, const float* parts, int num_sums,
                     int64_t columns, const SumsOfSlices& sums) {
  const int64_t column_blocks = (columns + kPartColumns - 1) / kPartColumns;
  device.Launch(
      SumPartsKernel,
      {rows.slices * num_sums * column_blocks, kBlockThreads, kBlockThreads * sizeof(float)}, rows,
      parts, num_sums, columns, sums);
}

// Parts of the sums of x; a block has up to kWarpColumns of the columns.
template <typename T>
__global__ void SumBlocksKernel(SliceRows rows, const T* x, int64_t columns, float* parts) {
  const int64_t column_blocks = (columns + kWarpColumns - 1) / kWarpColumns;
  const BlockRows block(rows, blockIdx.x / column_blocks);
  const int64_t first = blockIdx.x % column_blocks * kWarpColumns;
  const int64_t some = columns - first < kWarpColumns ? columns - first : kWarpColumns;
  BlockColumnSums<1, 1> sums;
  if (const int64_t column = Team<1>::Column(); column < some) {
#pragma unroll 4
    for (int64_t row = block.begin + WarpOfBlock(); row < block.end; row += kBlockWarps) {
      const Group values = LoadGroup(x + row * columns, columns, first + column);
      for (int c = 0; c < kGroupColumns; ++c) sums.Add(0, c, values.at[c]);
    }
  }
  const float* totals = sums.Totals(some, reinterpret_cast<float*>(shared_memory));
  for (int64_t c = threadIdx.x; c < some; c += kBlockThreads)
    parts[blockIdx.x / column_blocks * columns + first + c] = totals[c];
}

// sums of each slice = its rows of x [rows, columns], summed.
template <typename T>
void SumColumns(Device& device, const SliceRows& rows, const T* x, int64_t columns,
                const PartitionGradients& sums) {
  const Buffer<float> parts(device, rows.slices * rows.blocks * columns);
  const int64_t column_blocks = (columns + kWarpColumns - 1) / kWarpColumns;
  device.Launch(
      SumBlocksKernel<T>,
      {rows.slices * rows.blocks * column_blocks, kBlockThreads,
       static_cast<size_t>(BlockColumnSums<1, 1>::SharedFloats(kWarpColumns)) * sizeof(float)},
      rows, x, columns, parts.data());
  SumParts(device, rows, parts.data(), 1, columns, {{sums}});
}

}  // namespace quadhop::cuda
