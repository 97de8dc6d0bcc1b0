// Arithmetic on rows of floats, in SIMD (Highway, the widest instructions of the machine). Each
// function works on one thread; none allocates. Rows of one call must not overlap unless a comment
// says "in place".
#pragma once

#include <cstdint>

namespace quadhop::cpu {

// Bytes of the keep bits of one row of n values: bit i of byte i / 8 is value i.
inline int64_t KeepBytes(int64_t n) { return (n + 7) / 8; }
// The 16-bit threshold of a dropout probability, and the exact factor of what is kept.
uint32_t DropoutThreshold(double probability);
float DropoutScale(double probability);

// Keep bits for `num_bytes` * 8 values of the stream `key`: value i is kept if its 16 bits (half i
// % 2 of word i % 8 / 2 of Philox block i / 8) are at least `threshold`.
void KeepBits(uint64_t key, uint32_t threshold, int64_t num_bytes, uint8_t* keep);

// x += y.
void Add(const float* y, int64_t n, float* x);
// x += factor * y.
void AddScaled(float factor, const float* y, int64_t n, float* x);
// sum_i a_i b_i.
float Dot(const float* a, const float* b, int64_t n);
// x_i = max(x_i + bias_i, 0) * scale where kept, else 0. keep null: all kept. In place.
void BiasReluDropout(const float* bias, const uint8_t* keep, float scale, int64_t n, float* x);
// d_i = d_i * scale where active_i > 0, else 0. In place on d.
void ReluDropoutBackward(const float* active, float scale, int64_t n, float* d);

struct RowStatistics {
  float mean;
  float inv_std;  // 1 / sqrt(variance + 1e-5)
};
// x += bias (in place), then z = x_hat * scale + shift with x_hat = (x - mean) * inv_std.
RowStatistics BiasLayerNorm(const float* bias, const float* scale, const float* shift, int64_t n,
                            float* x, float* z);
// z from x again: (x - mean) * inv_std * scale + shift.
void ApplyLayerNorm(const float* x, RowStatistics statistics, const float* scale,
                    const float* shift, int64_t n, float* z);
// From d_z: d_x (may be d_z: in place); d_scale += d_z * x_hat; d_shift += d_z.
void LayerNormBackward(const float* x, RowStatistics statistics, const float* scale,
                       const float* d_z, int64_t n, float* d_x, float* d_scale, float* d_shift);

// In place: x = softmax(x).
void Softmax(int64_t n, float* x);
// In place on d: d = p * (d - sum_j p_j d_j).
void SoftmaxBackward(const float* p, int64_t n, float* d);

// The end of the attention block for one token. x = residual + residual_bias + drop(attended +
// attended_bias), then dropped, then normalised: out x_hat and its inverse standard deviation. Null
// bits keep all.
struct ResidualRow {
  const float* residual;
  const float* residual_bias;
  const float* attended;
  const float* attended_bias;
  const uint8_t* attention_keep;
  const uint8_t* residual_keep;
  float attention_scale;
  float residual_scale;
};
float ResidualNorm(const ResidualRow& row, int64_t n, float* x_hat);

// Its backward pass, where the gradient of x_hat is from_readout * g + from_score * gw: out
// d_residual, d_attended.
struct ResidualRowBackward {
  const float* x_hat;
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
void ResidualNormBackward(const ResidualRowBackward& row, int64_t n, float* d_residual,
                          float* d_attended);

// One Adam step of n parameters. step_size = learning rate / (1 - beta1^t); inv_sqrt_correction = 1
// / sqrt(1 - beta2^t).
struct AdamConstants {
  float beta1, beta2, epsilon, step_size, inv_sqrt_correction, decay, gradient_scale;
};
void AdamStep(const AdamConstants& constants, const float* gradient, int64_t n, float* first_moment,
              float* second_moment, float* value);

}  // namespace quadhop::cpu
