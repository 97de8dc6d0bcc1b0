// Arithmetic on rows of floats, in SIMD (Highway, the widest instructions of the machine).
#pragma once

#include <cstdint>

#include "core/arrays/dtype.h"

namespace quadhop::cpu {

struct RowStatistics {
  float mean;
  float inv_std;  // 1 / sqrt(variance + 1e-5)
};

// The end of the attention block for one token: x = residual + residual_bias + drop(attended +
// attended_bias), then dropout of x. Null keep bits keep all values.
struct ResidualRow {
  float* residual;  // becomes x
  const float* residual_bias;
  const float* attended;
  const float* attended_bias;
  const uint8_t* attention_keep;
  const uint8_t* residual_keep;
  float attention_scale;
  float residual_scale;
};

// The backward pass of ResidualRow, where the gradient of x_hat is from_readout * g + from_score *
// gw.
template <typename T>
struct ResidualRowBackward {
  const T* x_hat;
  float inv_std;
  float from_readout;
  const float* g;
  float from_score;
  const float* gw;
  const uint8_t* attention_keep;
  const uint8_t* residual_keep;
  float attention_scale;
  float residual_scale;
};

// Operations on rows of n values. T, float or BFloat16, is the type of the rows that go into
// products; arithmetic is in float, and results are rounded to T. Thread-safe; none allocates. Rows
// of one call must not overlap, unless T is float, both are at the same address ("in place") and a
// comment allows it.
template <typename T>
struct RowOps {
  // y = x, rounded.
  void (*round)(const float* x, int64_t n, T* y);
  // x += y.
  void (*add)(const T* y, int64_t n, float* x);
  // x += factor * y.
  void (*add_scaled)(float factor, const T* y, int64_t n, float* x);
  // sum_i a_i b_i.
  float (*dot)(const float* a, const T* b, int64_t n);
  // y_i = max(x_i + bias_i, 0) * scale where kept, else 0. keep null: all kept. In place.
  void (*bias_relu_dropout)(const float* x, const float* bias, const uint8_t* keep, float scale,
                            int64_t n, T* y);
  // d_x_i = d_y_i * scale where y_i > 0, else 0. d_x, d_y in place.
  void (*relu_dropout_backward)(const float* d_y, const T* y, float scale, int64_t n, T* d_x);
  // u = x + bias (in place), z = u_hat * scale + shift with u_hat = (u - mean) * inv_std.
  RowStatistics (*bias_layer_norm)(const float* x, const float* bias, const float* scale,
                                   const float* shift, int64_t n, T* u, T* z);
  // Computes z from u again.
  void (*apply_layer_norm)(const T* u, RowStatistics statistics, const float* scale,
                           const float* shift, int64_t n, T* z);
  // From d_z: d_u (d_u, d_z in place); d_scale += d_z * u_hat; d_shift += d_z.
  void (*layer_norm_backward)(const T* u, RowStatistics statistics, const float* scale,
                              const float* d_z, int64_t n, float* d_u, float* d_scale,
                              float* d_shift);
  // p = softmax(x) (in place); x is overwritten.
  void (*softmax)(int64_t n, float* x, T* p);
  // d_x = p * (d_p - sum_j p_j d_p_j). d_x in place of either.
  void (*softmax_backward)(const T* p, const float* d_p, int64_t n, T* d_x);
  // x_hat = x normalised (in place on residual); gives its inverse standard deviation.
  float (*residual_norm)(const ResidualRow& row, int64_t n, T* x_hat);
  void (*residual_norm_backward)(const ResidualRowBackward<T>& row, int64_t n, T* d_residual,
                                 T* d_attended);
};

// The operations for this machine.
template <typename T>
const RowOps<T>& GetRowOps();
template <>
const RowOps<float>& GetRowOps<float>();
template <>
const RowOps<BFloat16>& GetRowOps<BFloat16>();

}  // namespace quadhop::cpu
