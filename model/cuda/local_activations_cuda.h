// What the local module's forward pass keeps for the backward pass, and its weights as products
// take them.
#pragma once

#include <cuda_bf16.h>

#include <cstdint>
#include <type_traits>

#include "core/cuda/cuda_device.h"
#include "model/cuda/batch_tokens.h"
#include "model/cuda/local_rows.h"
#include "model/cuda/token_attention_cuda.h"
#include "model/kernels/kernels.h"
#include "model/kernels/local_weights.h"

namespace quadhop::cuda {

// Elements between the first map's input rows, which have `columns`: tensor cores take rows that
// begin at multiples of 16 bytes.
template <typename T>
constexpr int64_t InputStride(int64_t columns) {
  constexpr int64_t kVector = 16 / sizeof(T);
  return (columns + kVector - 1) / kVector * kVector;
}

// The activations that enter products, in the precision T of the products. Rows are tokens.
template <typename T>
struct LocalOperands {
  Buffer<T> x;      // [rows, InputStride(F + marks)]
  Buffer<T> a;      // [rows, H]
  Buffer<T> u;      // [rows, H]
  Buffer<T> z;      // [rows, H]
  Buffer<T> q;      // [rows, h*H]
  Buffer<T> p;      // [rows, h, ScoreStride]: the attention's probabilities
  Buffer<T> y;      // [rows, h*H]
  Buffer<T> t_hat;  // [rows, h*H]
};

struct CudaLocalActivations final : LocalActivations {
  // Reserves memory for the tokens of a batch.
  void Reserve(Device& device, const LocalForwardArgs& args) {
    const LargeGTDims& dims = *args.dims;
    tokens.Set(device, *args.batch, *args.arrays, dims.hops_and_self);
    const int64_t rows = tokens.rows().rows, keep_bytes = (dims.wide() + 7) / 8;
    if (args.precision == Precision::kBF16) {
      ReserveOperands(device, dims, bf16);
    } else {
      ReserveOperands(device, dims, f32);
    }
    for (Buffer<float>* of_rows : {&u_mean, &u_inv_std, &t_inv_std, &alpha})
      of_rows->Reserve(device, rows);
    summary.Reserve(device, tokens.rows().nodes * dims.wide());
    attention_keep.Reserve(device, rows * keep_bytes);
    residual_keep.Reserve(device, rows * keep_bytes);
  }

  template <typename T>
  LocalOperands<T>& operands() {
    if constexpr (std::is_same_v<T, float>) {
      return f32;
    } else {
      return bf16;
    }
  }

  BatchTokens tokens;
  LocalOperands<float> f32;  // only one of the two has rows
  LocalOperands<__nv_bfloat16> bf16;
  Buffer<float> u_mean;            // [rows]
  Buffer<float> u_inv_std;         // [rows]
  Buffer<float> t_inv_std;         // [rows]
  Buffer<float> alpha;             // [rows]: readout weights, multiplicities counted in
  Buffer<float> summary;           // [B, h*H]: rows of t_hat, summed with these weights
  Buffer<uint8_t> attention_keep;  // [rows, h*H / 8] bits, of the dropout of the attention's output
  Buffer<uint8_t> residual_keep;   // [rows, h*H / 8] bits, of the dropout of the sum

 private:
  template <typename T>
  void ReserveOperands(Device& device, const LargeGTDims& dims, LocalOperands<T>& operands) const {
    const int64_t rows = tokens.rows().rows;
    operands.x.Reserve(device, rows * InputStride<T>(dims.token_columns()));
    for (Buffer<T>* narrow : {&operands.a, &operands.u, &operands.z})
      narrow->Reserve(device, rows * dims.width);
    for (Buffer<T>* wide : {&operands.q, &operands.y, &operands.t_hat})
      wide->Reserve(device, rows * dims.wide());
    operands.p.Reserve(device, rows * dims.heads * ScoreStride(tokens.rows().most_tokens));
  }
};

// The weights as operands in T, for the duration of one pass.
template <typename T>
class OperandWeights {
 public:
  OperandWeights(Device& device, const LargeGTDims& dims, const LocalWeights& floats)
      : base_(floats.base()) {
    if constexpr (!std::is_same_v<T, float>) {
      const int64_t n = LocalWeights::NumFloats(dims);
      rounded_.Reserve(device, n);
      Round(device, base_, n, rounded_.data());
    }
  }
  const T* operator()(TensorView<float> weight) const {
    if constexpr (std::is_same_v<T, float>) {
      return weight.data();
    } else {
      return rounded_.data() + (weight.data() - base_);
    }
  }

 private:
  const float* base_;
  Buffer<T> rounded_;  // unused if T is float
};

}  // namespace quadhop::cuda
