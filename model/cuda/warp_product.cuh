// Products of matrices in shared memory, made by a warp: on tensor cores for bf16, by fused
// multiply-adds for float. Sums are in float, in registers.
//
// A warp makes tiles of 16 rows by 16 columns, each as two halves of 8 columns. With g = lane / 4
// and t = 2 * (lane % 4), a lane has of each half the sums at (g, t), (g, t + 1), (g + 8, t) and
// (g + 8, t + 1).
#pragma once

#include <cuda_bf16.h>

#include "model/cuda/matrix_instructions.cuh"
#include "model/cuda/warp.cuh"

namespace quadhop::cuda {

inline constexpr int kTileSide = 16;

// kRowTiles below each other, kColumnTiles beside each other.
template <int kRowTiles, int kColumnTiles>
using WarpSums = float[kRowTiles][2 * kColumnTiles][4];

// How an operand of a product is stored in shared memory: as the product takes it, or transposed.
enum class Stored { kPlain, kTransposed };

// Rows are `stride` elements apart, for bf16 a multiple of 8. Strides that are an odd multiple of
// 16 bytes keep lanes off each other's banks.
template <typename T>
struct SharedMatrix {
  const T* data;
  int stride;

  // The matrix from row `row` on.
  __device__ SharedMatrix From(int row) const { return {data + row * stride, stride}; }
  // An element, as the product takes it.
  template <Stored kStored>
  __device__ const T* At(int row, int column) const {
    return kStored == Stored::kPlain ? data + row * stride + column : data + column * stride + row;
  }
};

// sums += a b, a [16 * kRowTiles, depth] and b [depth, columns]; depth is a multiple of 16. Column
// tile j begins at column j * tile_step of b; those from num_tiles on are left out.
template <Stored kA, Stored kB, int kRowTiles, int kColumnTiles>
__device__ void AddProduct(WarpSums<kRowTiles, kColumnTiles>& sums, int num_tiles, int tile_step,
                           const SharedMatrix<__nv_bfloat16>& a,
                           const SharedMatrix<__nv_bfloat16>& b, int depth) {
  // The rows, of the four 8 x 8 matrices of a tile, whose addresses the lane gives.
  const int row = Lane() % 8, odd = Lane() / 8 % 2 * 8, upper = Lane() / 16 * 8;
  constexpr bool kPlainA = kA == Stored::kPlain, kPlainB = kB == Stored::kPlain;
  const __nv_bfloat16* a_row =
      a.data + (kPlainA ? (row + odd) * a.stride + upper : (row + upper) * a.stride + odd);
  const __nv_bfloat16* b_row =
      b.data + (kPlainB ? (row + odd) * b.stride + upper : (row + upper) * b.stride + odd);
  const int a_tile = kTileSide * (kPlainA ? a.stride : 1), b_tile = kPlainB ? 1 : b.stride;
  const int a_step = kTileSide * (kPlainA ? 1 : a.stride);
  const int b_step = kTileSide * (kPlainB ? b.stride : 1);
#pragma unroll 2
  for (int k = 0; k < depth; k += kTileSide) {
    uint32_t left[kRowTiles][4];
#pragma unroll
    for (int i = 0; i < kRowTiles; ++i) {
      if constexpr (kPlainA)
        LoadMatrices(a_row + i * a_tile, left[i]);
      else
        LoadMatricesTransposed(a_row + i * a_tile, left[i]);
    }
#pragma unroll
    for (int j = 0; j < kColumnTiles; ++j) {
      if (j >= num_tiles) continue;
      uint32_t right[4];
      if constexpr (kPlainB)
        LoadMatricesTransposed(b_row + j * tile_step * b_tile, right);
      else
        LoadMatrices(b_row + j * tile_step * b_tile, right);
#pragma unroll
      for (int i = 0; i < kRowTiles; ++i) {
        MultiplyAdd(sums[i][2 * j], left[i], right[0], right[1]);
        MultiplyAdd(sums[i][2 * j + 1], left[i], right[2], right[3]);
      }
    }
    a_row += a_step;
    b_row += b_step;
  }
}

template <Stored kA, Stored kB, int kRowTiles, int kColumnTiles>
__device__ void AddProduct(WarpSums<kRowTiles, kColumnTiles>& sums, int num_tiles, int tile_step,
                           const SharedMatrix<float>& a, const SharedMatrix<float>& b, int depth) {
  const int row = Lane() / 4, column = Lane() % 4 * 2;
#pragma unroll 4
  for (int k = 0; k < depth; ++k) {
    float left[kRowTiles][2];
#pragma unroll
    for (int i = 0; i < kRowTiles; ++i)
      for (int lower = 0; lower < 2; ++lower)
        left[i][lower] = *a.At<kA>(i * kTileSide + lower * 8 + row, k);
#pragma unroll
    for (int j = 0; j < 2 * kColumnTiles; ++j) {
      if (j / 2 >= num_tiles) continue;
#pragma unroll
      for (int next = 0; next < 2; ++next) {
        const float right = *b.At<kB>(k, j / 2 * tile_step + j % 2 * 8 + column + next);
#pragma unroll
        for (int i = 0; i < kRowTiles; ++i) {
          sums[i][j][next] = fmaf(left[i][0], right, sums[i][j][next]);
          sums[i][j][2 + next] = fmaf(left[i][1], right, sums[i][j][2 + next]);
        }
      }
    }
  }
}

}  // namespace quadhop::cuda
