// The weights of the local module as the kernels use them: the paper's parameters, merged into
// products where they allow it.
//
// DESIGN.md section 4, "Identities"; shared by every backend. z are the normalised tokens, keys and
// values of all heads:
// clang-format off
//   a = dropout(relu(x w_in^T + b_in))
//   u = a w_embed^T + b_embed
//   z = layer_norm(u)
//   y_i = softmax((z m_i + c_i) z^T) z, of head i
//   out = dropout(u w_residual^T + b_residual + dropout([y_1 .. y_h] n + b_out))
//   t = layer_norm(out)
//   result = t_0 + sum_j softmax_j(t_j . w_read) t_j, over tokens j >= 1
// clang-format on
// A token that stands for m equal ones has log m added to its scores, in both softmaxes; the
// readout leaves out one of those that the first token stands for.
#pragma once

#include <cstdint>

#include "core/arrays/tensor.h"
#include "model/kernels/options.h"

namespace quadhop {

// Views into one flat array of floats, with gaps that nothing reads; weights and their gradients
// have the same layout. t_shift follows t_scale without a gap.
struct LocalWeights {
  LocalWeights() = default;
  LocalWeights(const LargeGTDims& dims,
               float* base);  // `base` holds NumFloats(dims), and must outlive this
  static int64_t NumFloats(const LargeGTDims& dims);
  const float* base() const { return w_in.data(); }  // the array

  TensorView<float> w_in;        // [H, F + marks]
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

}  // namespace quadhop
