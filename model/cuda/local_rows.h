// The local module's work on token rows, between its products.
//
// Dims: B nodes, rows: the tokens of all of them, F features, H width, W = h*H. T is the type of
// the operands of products, float or __nv_bfloat16; arithmetic is in float. All pointers are the
// device's.
#pragma once

#include <cstdint>

#include "core/cuda/cuda_device.h"
#include "model/cuda/batch_tokens.h"
#include "model/cuda/column_sums.cuh"
#include "model/cuda/dropout.cuh"

namespace quadhop::cuda {

// y = x, rounded.
template <typename T>
void Round(Device& device, const float* x, int64_t n, T* y);

// What the first map takes of each token: its features, then its marks (LargeGTDims::token_marks).
struct TokenInputs {
  TokenRows tokens;
  int64_t entries;            // D
  const LocalRow* sampled;    // [D]
  const LocalRow* own;        // [B]
  const float* feature_rows;  // [U, 1 + hops, F]
  int64_t hops_and_self;
  int64_t features;  // F
  int64_t marks;     // columns after them; 0: none
};
// Fills x [rows, stride] with the inputs, and with zeros in the columns beyond.
template <typename T>
void GatherTokens(Device& device, const TokenInputs& inputs, int64_t stride, T* x);

// to [rows, stride] = from [rows, columns], with zeros in the columns beyond.
template <typename T>
void PadRows(Device& device, const T* from, int64_t rows, int64_t columns, int64_t stride, T* to);

// Makes the keys of a batch's nodes, to which dropout.keys then points.
void MakeDropoutKeys(Device& device, int64_t nodes, DeviceDropout& dropout, Buffer<uint64_t>& keys);

// a [rows, H] = dropout(a), in place.
template <typename T>
void DropTokens(Device& device, const DeviceDropout& dropout, const TokenRows& tokens,
                int64_t width, T* a);

template <typename T>
struct LayerNormRows {
  int64_t rows, width;
  const T* u;                  // [rows, H]
  const float *scale, *shift;  // [H]
  T* z;                        // [rows, H]
  float *mean, *inv_std;       // [rows]
};
// z = u_hat * scale + shift with u_hat = (u - mean) * inv_std.
template <typename T>
void LayerNorm(Device& device, const LayerNormRows<T>& args);

// d_u [rows, H] += the gradient of u from d_z [rows, H]; the statistics are read. Also writes, for
// each slice, the gradients of scale and shift, and d_u's sum over rows.
template <typename T>
struct LayerNormBackwardRows {
  LayerNormRows<T> forward;
  SliceRows slices;
  const T* d_z;
  T* d_u;
  PartitionGradients d_scale, d_shift, d_u_sum;
};
template <typename T>
void LayerNormBackward(Device& device, const LayerNormBackwardRows<T>& args);

// The end of the attention block: x = drop(residual + residual_bias + drop(attended +
// attended_bias)), and x_hat, x normalised.
template <typename T>
struct ResidualRows {
  TokenRows tokens;
  int64_t width;                               // W
  const T *residual, *attended;                // [rows, W]
  const float *residual_bias, *attended_bias;  // [W]
  DeviceDropout attention_dropout, residual_dropout;
  uint8_t *attention_keep, *residual_keep;  // [rows, W / 8] bits
  T* x_hat;                                 // [rows, W]
  float* inv_std;                           // [rows]
};
template <typename T>
void ResidualNorm(Device& device, const ResidualRows<T>& args);

// The readout of each node: y = t_0 + sum_j alpha_j t_j over its tokens, with t = t_hat * scale +
// shift and alpha = softmax_j(t_j . w_read + log multiplicity); one copy of the first token, the
// node itself, is left out: alpha_0 is 0 if it was not sampled again.
template <typename T>
struct ReadoutRows {
  TokenRows tokens;
  int64_t width;                        // W
  const T* t_hat;                       // [rows, W]
  const float *scale, *shift, *w_read;  // [W]
  float* alpha;                         // [rows]
  float* summary;                       // [B, W]: sum_j alpha_j t_hat_j
};
template <typename T>
void Readout(Device& device, const ReadoutRows<T>& args, float* y /* [B, W] */);

// The part of Readout's backward pass, from d_y [B, W], that goes by nodes. The gradient of token
// j's score is alpha_j (scaled . t_hat_j - along_summary), because sum_j alpha_j (scaled . t_hat_j)
// = scaled . summary; so each token's row is read once, in ResidualNormBackward.
struct ReadoutNodes {
  Buffer<float> scaled;         // [B, W]: d_y * scale
  Buffer<float> mean;           // [B]: of scaled's columns
  Buffer<float> along_summary;  // [B]: scaled . summary
};
// Writes d_vectors [B, 2, W]: what each node adds to the gradients of scale, except for the scores'
// part, and of shift.
template <typename T>
ReadoutNodes ReadoutBackwardNodes(Device& device, const ReadoutRows<T>& args, const float* d_y,
                                  float* d_vectors);
// Adds the scores' part to each slice's gradient of scale, and makes that of w_read, both from the
// sum over rows of d_score_j t_hat_j, which the latter holds before the call.
template <typename T>
void ReadoutBackwardScores(Device& device, const ReadoutRows<T>& args, int64_t slices,
                           const PartitionGradients& d_scale, const PartitionGradients& d_read);

// The backward pass of ResidualNorm, from the readout to the gradients of residual and attended.
// Also writes, for each slice, the sums over rows of both, and of d_score_j t_hat_j.
template <typename T>
struct ResidualBackwardRows {
  ReadoutRows<T> readout;
  SliceRows slices;
  const float* scaled;                            // [B, W], as ReadoutNodes has them
  const float *mean, *along_summary;              // [B]
  const float* inv_std;                           // [rows]
  float attention_scale, residual_scale;          // of the dropouts; 0: there was none
  const uint8_t *attention_keep, *residual_keep;  // [rows, W / 8] bits
  T *d_residual, *d_attended;                     // [rows, W]
  PartitionGradients d_residual_sum, d_attended_sum, scored_sum;
};
template <typename T>
void ResidualNormBackward(Device& device, const ResidualBackwardRows<T>& args);

// Turns d_a [rows, H] into the gradient of what went into a = drop(relu(.)), in place: d_a * scale
// where a > 0, else 0. Also writes its sum over each slice's rows.
template <typename T>
void ReluDropoutBackward(Device& device, const SliceRows& slices, const T* a, float scale,
                         int64_t width, T* d_a, const PartitionGradients& sum);

}  // namespace quadhop::cuda
