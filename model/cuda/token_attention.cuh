// What the kernels of token attention share: tiles in shared memory, and sums in registers.
#pragma once

#include "model/cuda/matrix_tile.cuh"
#include "model/cuda/token_attention.h"
#include "model/cuda/warp.cuh"

namespace quadhop::cuda {

// Rows of one node, or of one head of it, in global memory.
template <typename T>
struct NodeRows {
  T* first;        // of token 0
  int64_t stride;  // elements between tokens
  int tokens;      // S
  int width;       // H
};

// What a block works on: a tile of tokens of one node, of one head.
struct BlockPlace {
  // The grid has most_tokens / side (rounded up) blocks for each of `heads` heads of each node.
  __device__ BlockPlace(const TokenRows& rows, int heads, int side) {
    const int node_tiles = (rows.most_tokens + side - 1) / side;
    const int block = static_cast<int>(blockIdx.x);
    begin = block % node_tiles * side;
    head = block / node_tiles % heads;
    const int node = block / node_tiles / heads;
    first_row = rows.begin[node];
    tokens = static_cast<int>(rows.begin[node + 1] - first_row);
    log_multiplicity = rows.log_multiplicity + first_row;
  }
  // Beyond the node's last token: there is nothing to do.
  __device__ bool is_empty() const { return begin >= tokens; }

  // The node's rows of a matrix [rows, heads * width], columns of this head; and of [rows, width].
  template <typename T>
  __device__ NodeRows<T> OfHead(T* matrix, int heads, int width, int of_head) const {
    const int64_t wide = int64_t{heads} * width;
    return {matrix + first_row * wide + of_head * width, wide, tokens, width};
  }
  template <typename T>
  __device__ NodeRows<T> Of(T* matrix, int width) const {
    return {matrix + first_row * width, width, tokens, width};
  }

  int begin;  // token
  int head;
  int64_t first_row;              // of the node
  int tokens;                     // S, of the node
  const float* log_multiplicity;  // [S]
};

// `count` rows from token `begin` on, to rows of shared memory; zero beyond the last token and the
// last column. By all threads of a block.
template <typename T>
__device__ void LoadRows(const NodeRows<const T>& rows, int begin, int count,
                         const AttentionTiles& tiles, T* shared) {
  constexpr int kVector = 16 / sizeof(T);
  const int thread = static_cast<int>(threadIdx.x);
  const int vectors = tiles.width / kVector;
  const bool whole = rows.width % kVector == 0;
  for (int i = thread; i < count * vectors; i += kBlockThreads) {
    const int row = i / vectors, column = i % vectors * kVector, token = begin + row;
    T* to = shared + row * tiles.stride + column;
    const T* from = rows.first + token * rows.stride + column;
    if (whole) {
      uint4 values = {0, 0, 0, 0};
      if (token < rows.tokens && column < rows.width)
        values = *reinterpret_cast<const uint4*>(from);
      *reinterpret_cast<uint4*>(to) = values;
    } else {
      for (int c = 0; c < kVector; ++c) {
        const bool inside = token < rows.tokens && column + c < rows.width;
        to[c] = inside ? from[c] : FromFloat<T>(0.0f);
      }
    }
  }
}

// `side` rows of shared memory, of floats `stride` apart, to rows from token `begin` on.
template <typename T>
__device__ void StoreRows(const float* shared, int stride, int begin, int side,
                          const NodeRows<T>& rows) {
  for (int i = static_cast<int>(threadIdx.x); i < side * rows.width; i += kBlockThreads) {
    const int row = i / rows.width, column = i % rows.width, token = begin + row;
    if (token < rows.tokens)
      rows.first[token * rows.stride + column] = FromFloat<T>(shared[row * stride + column]);
  }
}

// A matrix [side, width] in the registers of a block: its tiles go round the warps.
template <typename T>
class BlockSum {
 public:
  __device__ explicit BlockSum(const AttentionTiles& tiles)
      : columns_(tiles.width / kTileSide), num_tiles_(tiles.side / kTileSide * columns_) {
#pragma unroll
    for (MatrixTile<T>& tile : tiles_) tile.Clear();
  }

  // += left right: left [side, depth], right [depth, width].
  template <Stored kLeft>
  __device__ void Add(const T* left, int left_stride, const T* right, int right_stride, int depth) {
#pragma unroll
    for (int i = 0; i < kMostTiles; ++i) {
      const int tile = WarpOfBlock() + i * kBlockWarps;
      if (tile >= num_tiles_) continue;
      const int row = tile / columns_ * kTileSide, column = tile % columns_ * kTileSide;
      const T* first = left + (kLeft == Stored::kPlain ? row * left_stride : row);
      tiles_[i].template Add<kLeft, Stored::kPlain>(first, left_stride, right + column,
                                                    right_stride, depth);
    }
  }

  __device__ void Store(float* c, int c_stride) const {
#pragma unroll
    for (int i = 0; i < kMostTiles; ++i) {
      const int tile = WarpOfBlock() + i * kBlockWarps;
      if (tile >= num_tiles_) continue;
      const int row = tile / columns_ * kTileSide, column = tile % columns_ * kTileSide;
      tiles_[i].Store(c + row * c_stride + column, c_stride);
    }
  }

 private:
  static constexpr int kMostTiles = 8;  // AttentionTiles::fits_registers

  const int columns_;
  const int num_tiles_;
  MatrixTile<T> tiles_[kMostTiles];
};

// Tile `tile` of c = left right^T, [rows, depth] and [columns, depth], rows and columns multiples
// of a tile's side; by one warp.
template <typename T>
__device__ void ScoreTile(int tile, int columns, const T* left, const T* right, int stride,
                          int depth, float* c, int c_stride) {
  const int row = tile / (columns / kTileSide) * kTileSide;
  const int column = tile % (columns / kTileSide) * kTileSide;
  MatrixTile<T> sum;
  sum.Clear();
  sum.template Add<Stored::kPlain, Stored::kTransposed>(left + row * stride, stride,
                                                        right + column * stride, stride, depth);
  sum.Store(c + row * c_stride + column, c_stride);
}

}  // namespace quadhop::cuda
