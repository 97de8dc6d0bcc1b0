// Attention among the tokens of each node: y_h = p_h z, p_h = softmax(q_h z^T + log multiplicity)
// for every head h, keys and values of all heads being the same rows z. Rows of one node attend to
// each other only.
//
// A tile of rows goes over the node's keys twice: for the scores of its rows, which stay in
// registers until they are probabilities, and for the sum of values. Backward does the same with
// d_y in the place of q, for the gradients of scores and queries; then one block per tile of keys
// sums over queries and heads. Every sum is made by one block, in a fixed order. Probabilities and
// gradients of scores are kept in memory: for H of some 100 and more, reading and writing one takes
// less than the 2H operations that make it anew.
#pragma once

#include <cuda_bf16.h>

#include <cstdint>

#include "core/cuda/cuda_device.h"
#include "model/cuda/batch_tokens.h"

namespace quadhop::cuda {

// Elements between rows of probabilities.
constexpr int64_t ScoreStride(int64_t most_tokens) { return (most_tokens + 7) / 8 * 8; }

// T is float or __nv_bfloat16. All pointers are the device's.
template <typename T>
struct TokenAttention {
  TokenRows tokens;
  int token_limit;  // tokens that a node of any batch can have
  int heads;        // h
  int width;        // H
  const T* q;       // [rows, h*H]
  const T* z;       // [rows, H]
  T* p;             // [rows, h, ScoreStride]: those of the node's tokens
  T* y;             // [rows, h*H]
  // Backward.
  const T* d_y;  // [rows, h*H]
  T* d_scores;   // [rows, h, ScoreStride]: scratch
  T* d_q;        // [rows, h*H]
  T* d_z;        // [rows, H]: as keys and as values
};

// Both keep an error in `device`: kInvalidArgument if H or S is beyond what a block can take.
template <typename T>
void TokenAttentionForward(Device& device, const TokenAttention<T>& args);
template <typename T>
void TokenAttentionBackward(Device& device, const TokenAttention<T>& args);

// What they are made of. For any GPU:
template <typename T>
void PortableAttentionForward(Device& device, const TokenAttention<T>& args);
template <typename T>
void PortableAttentionBackward(Device& device, const TokenAttention<T>& args);

// For GPUs of compute capability 9.0, with up to this many tokens and columns, the latter a
// multiple of 8. (These are the tokens that a node can have: if they were those of a batch, results
// would depend on what else is in the batch.)
inline constexpr int kHopperTokens = 320, kHopperWidth = 256;
inline bool HopperTakes(const Device& device, const TokenAttention<__nv_bfloat16>& args) {
  return device.compute_capability() == 90 && args.token_limit <= kHopperTokens &&
         args.width <= kHopperWidth && args.width % 8 == 0;
}
void HopperAttentionForward(Device& device, const TokenAttention<__nv_bfloat16>& args);
void HopperAttentionBackward(Device& device, const TokenAttention<__nv_bfloat16>& args);

}  // namespace quadhop::cuda
