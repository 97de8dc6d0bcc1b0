// Matrices in bf16 that a group of four warps multiplies on a Hopper GPU: in panels of shared
// memory, and as tiles of 64 rows in registers.
#pragma once

#include "model/cuda/token_attention.cuh"
#include "model/cuda/warpgroup_instructions.cuh"

namespace quadhop::cuda {

inline constexpr int kTileRows = 64;  // of a group's product
inline constexpr int kGroupWarps = kGroupThreads / kWarpThreads;

// Taken from lane 0, so that the compiler sees that it is the same throughout a warp: what follows
// from it, such as operands, takes no registers of threads.
__device__ inline int GroupOfBlock() {
  return __shfl_sync(kAllLanes, static_cast<int>(threadIdx.x) / kGroupThreads, 0);
}
__device__ inline int WarpOfGroup() { return WarpOfBlock() % kGroupWarps; }
// The first of the two rows of a group's tile that a thread has sums of; the other is 8 below.
__device__ inline int RowOfThread() { return WarpOfGroup() * 16 + Lane() / 4; }
// The first of the two columns that a thread has of each 8.
__device__ inline int ColumnOfThread() { return Lane() % 4 * 2; }

// Within a node 32 bits suffice, and take fewer registers.
template <typename U>
__device__ U* At(const NodeRows<U>& rows, int row, int column) {
  return rows.first + (row * static_cast<int>(rows.stride) + column);
}

// A matrix [kRows, kColumns] in shared memory, in panels of 64 columns.
template <int kRows, int kColumns>
struct Panels {
  static constexpr int kPanelBytes = kRows * kPanelRowBytes;
  static constexpr int kBytes = kColumns / kPanelColumns * kPanelBytes;

  unsigned char* data;

  // 8 columns of a row, from a multiple of 8 on.
  __device__ unsigned char* Piece(int row, int column) const {
    return data + column / kPanelColumns * kPanelBytes + PlaceInPanel(row, column / 8);
  }
  // The products' operand that begins at a row, a multiple of 8, and a column, a multiple of 16.
  __device__ uint64_t ByRows(int row, int column) const {
    return RowOperand(data + column / kPanelColumns * kPanelBytes + row * kPanelRowBytes +
                      column % kPanelColumns * 2);
  }
  // The same with columns taken as rows; the column is a multiple of 64.
  __device__ uint64_t ByColumns(int row, int column) const {
    return ColumnOperand(data + column / kPanelColumns * kPanelBytes + row * kPanelRowBytes,
                         kPanelBytes);
  }

  // Begins to copy rows from token `begin` on, columns from `first_column` on; zeros beyond the
  // last token and column. Called by `warps` warps, of which this is `warp`.
  __device__ void Load(const NodeRows<const __nv_bfloat16>& rows, int begin, int first_column,
                       int warp, int warps) const {
    constexpr int kPieces = kColumns / 8;  // of 16 bytes, of a row
#pragma unroll 1                           // while sums are in registers
    for (int i = warp * kWarpThreads + Lane(); i < kRows * kPieces; i += warps * kWarpThreads) {
      const int row = i / kPieces, column = i % kPieces * 8;
      const int token = begin + row, from_column = first_column + column;
      const bool inside = token < rows.tokens && from_column < rows.width;
      const __nv_bfloat16* from = At(rows, token, from_column);
      CopyBehind(Piece(row, column), inside ? from : rows.first, inside);
    }
  }
};

__device__ inline uint32_t Pack(float first, float second) {
  const __nv_bfloat162 pair = __floats2bfloat162_rn(first, second);
  uint32_t bits;
  memcpy(&bits, &pair, sizeof(bits));
  return bits;
}

// The sum, or the largest, over the four threads that share a row.
__device__ inline float QuadSum(float value) {
  value += __shfl_xor_sync(kAllLanes, value, 1);
  return value + __shfl_xor_sync(kAllLanes, value, 2);
}
__device__ inline float QuadMax(float value) {
  value = fmaxf(value, __shfl_xor_sync(kAllLanes, value, 1));
  return fmaxf(value, __shfl_xor_sync(kAllLanes, value, 2));
}

// Of four tiles of 8 columns, each of the four threads that share a row has two columns of every
// tile; afterwards it has all columns of one tile, the first thread those of the first. Calling it
// again undoes this.
__device__ inline void TransposeInQuad(uint32_t (&pairs)[4]) {
  const int thread = Lane() % 4;
#pragma unroll
  for (int distance = 1; distance < 4; distance *= 2) {
    const bool upper = (thread & distance) != 0;
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      uint32_t& low = pairs[distance == 1 ? 2 * i : i];
      uint32_t& high = pairs[distance == 1 ? 2 * i + 1 : i + 2];
      const uint32_t received = __shfl_xor_sync(kAllLanes, upper ? low : high, distance);
      (upper ? low : high) = received;
    }
  }
}

// Four tiles of 8 columns of a row, from `column` on, to and from memory. Lanes whose row does not
// exist take part, too.
__device__ inline void StoreTiles(uint32_t (&pairs)[4], int row, int column,
                                  const NodeRows<__nv_bfloat16>& rows) {
  TransposeInQuad(pairs);
  column += Lane() % 4 * 8;
  if (row < rows.tokens && column < rows.width)
    *reinterpret_cast<uint4*>(At(rows, row, column)) =
        uint4{pairs[0], pairs[1], pairs[2], pairs[3]};
}
__device__ inline void LoadTiles(const NodeRows<const __nv_bfloat16>& rows, int row, int column,
                                 uint32_t (&pairs)[4]) {
  column += Lane() % 4 * 8;
  uint4 loaded = {0, 0, 0, 0};
  if (row < rows.tokens && column < rows.width)
    loaded = *reinterpret_cast<const uint4*>(At(rows, row, column));
  pairs[0] = loaded.x;
  pairs[1] = loaded.y;
  pairs[2] = loaded.z;
  pairs[3] = loaded.w;
}

template <int kSums>
__device__ inline void StoreSums(const float (&sums)[kSums], int first_row, int first_column,
                                 const NodeRows<__nv_bfloat16>& rows) {
#pragma unroll
  for (int i = 0; i < kSums; i += 16)
#pragma unroll
    for (int lower = 0; lower < 2; ++lower) {
      uint32_t pairs[4];
#pragma unroll
      for (int tile = 0; tile < 4; ++tile)
        pairs[tile] = Pack(sums[i + tile * 4 + lower * 2], sums[i + tile * 4 + lower * 2 + 1]);
      StoreTiles(pairs, first_row + RowOfThread() + lower * 8, first_column + i * 2, rows);
    }
}

}  // namespace quadhop::cuda
