// What the kernels of token attention share: which rows a block works on, and their way to and from
// shared memory.
#pragma once

#include "model/cuda/token_attention_cuda.h"
#include "model/cuda/warp_product.cuh"

namespace quadhop::cuda {

// Rows of a node that are in shared memory at a time beside a block's own: keys, or queries.
inline constexpr int kStepRows = 64;
// Warps that make a matrix together are arranged in rows of kColumnWarps.
inline constexpr int kColumnWarps = 4;

// float operands are twice as large: they are not loaded ahead.
template <typename T>
inline constexpr int kStages = sizeof(T) == 2 ? 2 : 1;

// Rows of one node, or of one head of it, in global memory.
template <typename T>
struct NodeRows {
  T* first;        // of token 0
  int64_t stride;  // elements between tokens
  int tokens;      // S
  int width;       // H, or S
};

// What a block works on: a tile of tokens of one node, for some heads.
struct BlockPlace {
  // The grid has most_tokens / side (rounded up) blocks for each `together` of the `heads` heads of
  // each node.
  __device__ BlockPlace(const TokenRows& rows, int heads, int together, int side) {
    const int node_tiles = (rows.most_tokens + side - 1) / side;
    const int block = static_cast<int>(blockIdx.x), head_blocks = heads / together;
    begin = block % node_tiles * side;
    head = block / node_tiles % head_blocks * together;
    const int node = block / node_tiles / head_blocks;
    first_row = rows.begin[node];
    tokens = static_cast<int>(rows.begin[node + 1] - first_row);
    log_multiplicity = rows.log_multiplicity + first_row;
  }
  // Beyond the node's last token: there is nothing to do.
  __device__ bool is_empty() const { return begin >= tokens; }
  __device__ int num_steps() const { return (tokens + kStepRows - 1) / kStepRows; }

  // The node's rows of a matrix [rows, heads * width], in the columns of one head; and of a matrix
  // [rows, width].
  template <typename T>
  __device__ NodeRows<T> OfHead(T* matrix, int heads, int64_t width, int of_head) const {
    const int64_t wide = heads * width;
    return {matrix + first_row * wide + of_head * width, wide, tokens, static_cast<int>(width)};
  }
  template <typename T>
  __device__ NodeRows<T> Of(T* matrix, int width) const {
    return OfHead(matrix, 1, width, 0);
  }
  // One head's probabilities, or the gradients of its scores.
  template <typename T>
  __device__ NodeRows<T> Scores(T* scores, const TokenRows& rows, int heads, int of_head) const {
    return OfHead(scores, heads, ScoreStride(rows.most_tokens), of_head);
  }

  int begin;                      // token
  int head;                       // the first
  int64_t first_row;              // of the node
  int tokens;                     // S, of the node
  const float* log_multiplicity;  // [S]
};

// The operands of the products by rows: left z^T, from which `scores` are made, and out = scores z.
template <typename T>
struct RowsOperands {
  const T* left;  // [rows, h*H]
  T* scores;      // [rows, h, ScoreStride]
  T* out;         // [rows, h*H]
};
struct ForwardRows {
  template <typename T>
  static __device__ RowsOperands<T> Of(const TokenAttention<T>& args) {
    return {args.q, args.p, args.y};
  }
};
struct BackwardRows {
  template <typename T>
  static __device__ RowsOperands<T> Of(const TokenAttention<T>& args) {
    return {args.d_y, args.d_scores, args.d_q};
  }
};

// One of the 2 * heads * num_steps products that sum to d_z: of probabilities and d_y (as values),
// or of gradients of scores and q (as keys), from one head's queries from `query` on.
template <typename T>
struct KeysProduct {
  __device__ KeysProduct(const TokenAttention<T>& args, const BlockPlace& place, int product) {
    const int steps = place.num_steps(), head = product / steps / 2;
    const bool as_values = product / steps % 2 == 0;
    query = product % steps * kStepRows;
    left = place.Scores(static_cast<const T*>(as_values ? args.p : args.d_scores), args.tokens,
                        args.heads, head);
    right = place.OfHead(as_values ? args.d_y : args.q, args.heads, args.width, head);
  }
  int query;
  NodeRows<const T> left, right;
};

// Calls visit(row, column) for the first of each 16 bytes of `count` rows of `columns` elements.
// Called by all threads of a block.
template <typename T, typename Visit>
__device__ void ForEachVector(int count, int columns, const Visit& visit) {
  constexpr int kVector = 16 / sizeof(T);
  const int vectors = columns / kVector, thread = static_cast<int>(threadIdx.x);
  const int threads = static_cast<int>(blockDim.x);
  const int row_step = threads / vectors, vector_step = threads % vectors;
  int row = thread / vectors, vector = thread % vectors;
  while (row < count) {
    visit(row, vector * kVector);
    row += row_step;
    vector += vector_step;
    if (vector >= vectors) {
      vector -= vectors;
      ++row;
    }
  }
}

// Begins to copy `count` rows from token `begin` on, `columns` from `first_column` on, to rows of
// shared memory `stride` apart; zeros beyond the last token and column. `columns` is a multiple of
// 16 bytes. Called by all threads of a block; the caller calls EndCopies.
template <typename T>
__device__ void LoadRows(const NodeRows<const T>& rows, int begin, int count, int first_column,
                         int columns, int stride, T* shared) {
  constexpr int kVector = 16 / sizeof(T);
  const bool whole = rows.width % kVector == 0;
  ForEachVector<T>(count, columns, [&](int row, int column) {
    const int token = begin + row, from_column = first_column + column;
    T* to = shared + row * stride + column;
    const T* from = rows.first + token * rows.stride + from_column;
    if (whole) {
      const bool inside = token < rows.tokens && from_column < rows.width;
      CopyBehind(to, inside ? from : rows.first, inside);
      return;
    }
    for (int c = 0; c < kVector; ++c) {
      const bool inside = token < rows.tokens && from_column + c < rows.width;
      to[c] = inside ? from[c] : FromFloat<T>(0.0f);
    }
  });
}

// Copies `count` rows of `columns` elements of shared memory to rows from token `begin` on.
template <typename T>
__device__ void StoreRows(const T* shared, int stride, int begin, int count, int columns,
                          const NodeRows<T>& rows) {
  constexpr int kVector = 16 / sizeof(T);
  const bool whole = rows.width % kVector == 0;
  ForEachVector<T>(count, columns, [&](int row, int column) {
    const int token = begin + row;
    if (token >= rows.tokens) return;
    const T* from = shared + row * stride + column;
    T* to = rows.first + token * rows.stride + column;
    if (whole) {
      if (column < rows.width)
        *reinterpret_cast<uint4*>(to) = *reinterpret_cast<const uint4*>(from);
      return;
    }
    for (int c = 0; c < kVector && column + c < rows.width; ++c) to[c] = from[c];
  });
}

__device__ inline void StorePair(float first, float second, float* to) {
  *reinterpret_cast<float2*>(to) = make_float2(first, second);
}
__device__ inline void StorePair(float first, float second, __nv_bfloat16* to) {
  *reinterpret_cast<__nv_bfloat162*>(to) = __floats2bfloat162_rn(first, second);
}

// A matrix [16 * kRowTiles * rows of warps, width] in registers: column tiles go to the warps
// beside each other in turn.
template <typename T, int kRowTiles>
class BlockSums {
 public:
  static constexpr int kColumnTiles = 8 / kRowTiles;
  static constexpr int kMostWidth = kColumnTiles * kColumnWarps * kTileSide;

  // warp: its number among those of the matrix. width: a multiple of 16, at most kMostWidth.
  __device__ BlockSums(int warp, int width)
      : row_(warp / kColumnWarps * kRowTiles * kTileSide),
        column_(warp % kColumnWarps * kTileSide),
        num_tiles_((width - column_ + kColumnWarps * kTileSide - 1) / (kColumnWarps * kTileSide)) {}

  // += a b, a [rows, depth] and b [depth, width].
  template <Stored kA>
  __device__ void Add(const SharedMatrix<T>& a, const SharedMatrix<T>& b, int depth) {
    AddProduct<kA, Stored::kPlain, kRowTiles, kColumnTiles>(
        sums_, num_tiles_, kColumnWarps * kTileSide,
        SharedMatrix<T>{a.template At<kA>(row_, 0), a.stride},
        SharedMatrix<T>{b.data + column_, b.stride}, depth);
  }

  // Stores it to rows of shared memory.
  __device__ void Store(T* to, int stride) const {
    const int row = row_ + Lane() / 4, column = column_ + Lane() % 4 * 2;
#pragma unroll
    for (int i = 0; i < kRowTiles; ++i)
#pragma unroll
      for (int j = 0; j < 2 * kColumnTiles; ++j) {
        if (j / 2 >= num_tiles_) continue;
        T* first = to + (row + i * kTileSide) * stride + column + j / 2 * kColumnWarps * kTileSide +
                   j % 2 * 8;
        StorePair(sums_[i][j][0], sums_[i][j][1], first);
        StorePair(sums_[i][j][2], sums_[i][j][3], first + 8 * stride);
      }
  }

 private:
  const int row_, column_;  // the warp's first
  const int num_tiles_;
  WarpSums<kRowTiles, kColumnTiles> sums_ = {};
};

// Elements of a row of shared memory that holds `columns`: a multiple of 16, and 16 bytes more.
constexpr int RowColumns(int columns) { return (columns + 15) / 16 * 16; }
template <typename T>
constexpr int RowStride(int columns) {
  return RowColumns(columns) + 16 / static_cast<int>(sizeof(T));
}

// The error of both passes.
absl::Status AttentionTooLarge(const Device& device, int tokens, int width);

template <typename T>
void TokenAttentionBackwardKeys(Device& device, const TokenAttention<T>& args);

}  // namespace quadhop::cuda
