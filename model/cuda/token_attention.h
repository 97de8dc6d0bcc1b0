// Attention among the tokens of each node: y_h = softmax(q_h z^T + log multiplicity) z for every
// head h, keys and values of all heads being the same rows z. Rows of one node attend to each other
// only.
//
// Scores never leave the chip. Forward: a block has a tile of one head's queries and runs twice
// over the node's keys, for all its scores and then for the sum of values; what it keeps is the
// logarithm of each row's softmax denominator. Backward: two kernels, which make the scores anew,
// one for queries and one for keys, so that every sum has one block that makes it, in a fixed
// order.
#pragma once

#include <cstdint>

#include "core/cuda/cuda_device.h"
#include "model/cuda/batch_tokens.h"

namespace quadhop::cuda {

// T is float or __nv_bfloat16. All pointers are the device's.
template <typename T>
struct TokenAttention {
  TokenRows tokens;
  int heads;       // h
  int width;       // H
  const T* q;      // [rows, h*H]
  const T* z;      // [rows, H]
  T* y;            // [rows, h*H]
  float* log_sum;  // [rows, h]: of exp(scores)
  // Backward.
  const T* d_y;      // [rows, h*H]
  float* d_y_dot_y;  // [rows, h]: scratch
  T* d_q;            // [rows, h*H]
  float* d_z;        // [rows, H]
};

// Both keep an error in `device`: kInvalidArgument where H or S is beyond what its shared memory
// can take.
template <typename T>
void TokenAttentionForward(Device& device, const TokenAttention<T>& args);
template <typename T>
void TokenAttentionBackward(Device& device, const TokenAttention<T>& args);

// The error of both.
absl::Status TooLargeForSharedMemory(const Device& device, int tokens, int width);

// Rows of a tile of keys in the forward pass.
inline constexpr int kForwardKeys = 64;

// How a block's shared memory is laid out, for tiles of `side` rows.
struct AttentionTiles {
  int side;
  int width;   // H, rounded up to whole tiles
  int stride;  // elements between rows of q, z, d_y
  int keys;    // S, rounded up to whole tiles of kForwardKeys

  constexpr AttentionTiles(int tokens, int unpadded_width, int tile_side, int value_bytes)
      : side(tile_side),
        width((unpadded_width + 15) / 16 * 16),
        stride(width + 16 / value_bytes),
        keys((tokens + kForwardKeys - 1) / kForwardKeys * kForwardKeys) {}

  // Forward: q [side, stride], z [kForwardKeys, stride], scores [side, score_stride] floats.
  constexpr int score_stride() const { return keys + 4; }
  constexpr int64_t forward_bytes(int value_bytes) const {
    return int64_t{side + kForwardKeys} * stride * value_bytes + int64_t{side} * score_stride() * 4;
  }
  // Backward: q, d_y, z [side, stride], scores and their gradients [side, pair_stride] floats,
  // both again as operands [side, operand_stride].
  constexpr int pair_stride() const { return side + 4; }
  constexpr int operand_stride(int value_bytes) const { return side + 16 / value_bytes; }
  constexpr int64_t backward_bytes(int value_bytes) const {
    return 3 * int64_t{side} * stride * value_bytes + 2 * int64_t{side} * pair_stride() * 4 +
           2 * int64_t{side} * operand_stride(value_bytes) * value_bytes;
  }
  // Whether the sums [side, H] of a block fit the registers that kernels give them.
  constexpr bool fits_registers() const { return side * width <= 64 * 256; }
};

// The side, of 64, 32 and 16, with which at least two blocks share a multiprocessor's memory, or
// the largest that fits at all; 0: none does.
constexpr int ChooseSide(int tokens, int width, int value_bytes, int64_t shared_bytes,
                         bool backward) {
  int fits = 0;
  for (const int side : {64, 32, 16}) {
    const AttentionTiles tiles(tokens, width, side, value_bytes);
    const int64_t bytes =
        backward ? tiles.backward_bytes(value_bytes) : tiles.forward_bytes(value_bytes);
    if (bytes > shared_bytes || !tiles.fits_registers()) continue;
    if (2 * bytes <= shared_bytes) return side;
    if (fits == 0) fits = side;
  }
  return fits;
}

}  // namespace quadhop::cuda
