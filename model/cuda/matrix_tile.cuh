// A 16 x 16 tile of a matrix product, held by one warp: on tensor cores for bf16, else by fused
// multiply-adds. Sums are in float.
#pragma once

#include <cuda_bf16.h>
#include <mma.h>

#include <type_traits>

#include "model/cuda/warp.cuh"

namespace quadhop::cuda {

inline constexpr int kTileSide = 16;

// How an operand of a product stands in shared memory: as the product takes it, or transposed.
enum class Stored { kPlain, kTransposed };

// Operands begin at a multiple of 32 bytes, and their rows are a multiple of 16 bytes apart.
template <typename T>
class MatrixTile;

template <>
class MatrixTile<__nv_bfloat16> {
 public:
  __device__ void Clear() { nvcuda::wmma::fill_fragment(sum_, 0.0f); }

  // += a b, a [16, depth] and b [depth, 16]; depth is a multiple of 16.
  template <Stored kA, Stored kB>
  __device__ void Add(const __nv_bfloat16* a, int a_stride, const __nv_bfloat16* b, int b_stride,
                      int depth) {
    using nvcuda::wmma::col_major;
    using nvcuda::wmma::row_major;
    constexpr bool kPlainA = kA == Stored::kPlain, kPlainB = kB == Stored::kPlain;
    using LayoutA = std::conditional_t<kPlainA, row_major, col_major>;
    using LayoutB = std::conditional_t<kPlainB, row_major, col_major>;
    nvcuda::wmma::fragment<nvcuda::wmma::matrix_a, 16, 16, 16, __nv_bfloat16, LayoutA> left;
    nvcuda::wmma::fragment<nvcuda::wmma::matrix_b, 16, 16, 16, __nv_bfloat16, LayoutB> right;
    for (int k = 0; k < depth; k += kTileSide) {
      nvcuda::wmma::load_matrix_sync(left, a + (kPlainA ? k : k * a_stride), a_stride);
      nvcuda::wmma::load_matrix_sync(right, b + (kPlainB ? k * b_stride : k), b_stride);
      nvcuda::wmma::mma_sync(sum_, left, right, sum_);
    }
  }

  __device__ void Store(float* c, int c_stride) const {
    nvcuda::wmma::store_matrix_sync(c, sum_, c_stride, nvcuda::wmma::mem_row_major);
  }

 private:
  nvcuda::wmma::fragment<nvcuda::wmma::accumulator, 16, 16, 16, float> sum_;
};

// A lane has half a row of the tile.
template <>
class MatrixTile<float> {
 public:
  __device__ void Clear() {
    for (float& value : sum_) value = 0;
  }

  template <Stored kA, Stored kB>
  __device__ void Add(const float* a, int a_stride, const float* b, int b_stride, int depth) {
    const int row = Row(), column = Column();
    for (int k = 0; k < depth; ++k) {
      const float left = kA == Stored::kPlain ? a[row * a_stride + k] : a[k * a_stride + row];
      for (int i = 0; i < kColumns; ++i) {
        const int at =
            kB == Stored::kPlain ? k * b_stride + column + i : (column + i) * b_stride + k;
        sum_[i] = fmaf(left, b[at], sum_[i]);
      }
    }
  }

  __device__ void Store(float* c, int c_stride) const {
    for (int i = 0; i < kColumns; ++i) c[Row() * c_stride + Column() + i] = sum_[i];
  }

 private:
  static constexpr int kColumns = kTileSide / 2;
  __device__ static int Row() { return Lane() / 2; }
  __device__ static int Column() { return Lane() % 2 * kColumns; }

  float sum_[kColumns];
};

}  // namespace quadhop::cuda
