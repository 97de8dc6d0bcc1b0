// The weights of the local module as the kernels use them: products that the paper's parameters
// allow to merge, merged.
//
// DESIGN.md section 4, "Identities"; shared by every backend. z are the normalised tokens, keys and
// values of all heads:
//   a = dropout(relu(x w_in^T + b_in))            u = a w_embed^T + b_embed        z =
//   layer_norm(u) scores of head i = (z m_i + c_i) z^T           y_i = softmax(scores) z out =
//   dropout(u w_residual^T + b_residual + dropout([y_1 .. y_h] n + b_out)) t = layer_norm(out);
//   result = t_0 + sum_j softmax_j(t_j . w_read) t_j, over tokens j >= 1
// A token that stands for m equal ones has log m added to its scores, in both softmaxes; the
// readout leaves out one of the first token's.
#pragma once

#include <array>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "core/batch.h"
#include "core/dtype.h"
#include "core/tensor.h"
#include "model/options.h"

namespace quadhop {

// Views into one flat array of floats; weights and their gradients have the same layout.
struct LocalWeights {
  LocalWeights() = default;
  LocalWeights(const LargeGTDims& dims,
               float* base);  // `base` holds NumFloats(dims), and must outlive this
  static int64_t NumFloats(const LargeGTDims& dims);
  const float* base() const { return w_in.data(); }  // the array

  TensorView<float> w_in;        // [H, F]
  TensorView<float> b_in;        // [H]
  TensorView<float> w_embed;     // [H, H]
  TensorView<float> b_embed;     // [H]
  TensorView<float> z_scale;     // [H]
  TensorView<float> z_shift;     // [H]
  TensorView<float> m;           // [H, h*H]: columns of head i are M_i
  TensorView<float> c;           // [h*H]
  TensorView<float> n;           // [h*H, h*H]
  TensorView<float> b_out;       // [h*H]
  TensorView<float> w_residual;  // [h*H, H]
  TensorView<float> b_residual;  // [h*H]
  TensorView<float> t_scale;     // [h*H]
  TensorView<float> t_shift;     // [h*H]
  TensorView<float> w_read;      // [h*H]
};

// Those activations that enter products, in the precision of the products.
template <typename T>
struct LocalOperands {
  Tensor<T> x;      // [T, F]
  Tensor<T> a;      // [T, H]
  Tensor<T> u;      // [T, H]
  Tensor<T> q;      // [T, h*H]
  Tensor<T> p;      // [h, S, S] of each node, one after another
  Tensor<T> y;      // [T, h*H]
  Tensor<T> t_hat;  // [T, h*H]
};

// What a forward pass keeps for the backward pass, for the T tokens of a batch: those of a node
// stand together, S of them, which is its own number (Batch::sampled_offsets). Reused from step to
// step.
struct LocalActivations {
  void Resize(const LargeGTDims& dims, const Batch& batch, Precision precision);
  template <typename T>
  LocalOperands<T>& operands() {
    if constexpr (std::is_same_v<T, float>) {
      return f32;
    } else {
      return bf16;
    }
  }

  LocalOperands<float> f32;  // one of the two has rows
  LocalOperands<BFloat16> bf16;
  std::vector<int64_t> p_offsets;  // [B + 1]: where p of each node begins
  Tensor<float> u_mean;            // [T]
  Tensor<float> u_inv_std;         // [T]
  Tensor<float> t_inv_std;         // [T]
  Tensor<float> alpha;             // [T]: readout weights, multiplicities counted in
  Tensor<uint8_t> attention_keep;  // [T, h*H / 8] bits, of the dropout of the attention's output
  Tensor<uint8_t> residual_keep;   // [T, h*H / 8] bits, of the dropout of the sum
};

}  // namespace quadhop
