// What the forward pass of the local module keeps for the backward pass.
#pragma once

#include <cstdint>
#include <type_traits>
#include <vector>

#include "core/arrays/dtype.h"
#include "core/arrays/tensor.h"
#include "core/batch/batch.h"
#include "model/kernels/kernels.h"
#include "model/kernels/options.h"

namespace quadhop::cpu {

// The activations that enter products, in the precision of the products.
template <typename T>
struct LocalOperands {
  Tensor<T> a;      // [T, H]
  Tensor<T> u;      // [T, H]
  Tensor<T> q;      // [T, h*H]
  Tensor<T> p;      // [h, S, S] of each node, one after another
  Tensor<T> y;      // [T, h*H]
  Tensor<T> t_hat;  // [T, h*H]
};

// What a forward pass keeps for the backward pass, for the T tokens of a batch: those of a node are
// contiguous, and their number S differs from node to node (Batch::sampled_offsets). Reused from
// step to step.
struct CpuLocalActivations final : LocalActivations {
  void Resize(const LargeGTDims& dims, const Batch& batch, Precision precision);
  template <typename T>
  LocalOperands<T>& operands() {
    if constexpr (std::is_same_v<T, float>) {
      return f32;
    } else {
      return bf16;
    }
  }

  LocalOperands<float> f32;  // only one of the two has rows
  LocalOperands<BFloat16> bf16;
  std::vector<int64_t> p_offsets;  // [B + 1]: where p of each node begins
  Tensor<float> u_mean;            // [T]
  Tensor<float> u_inv_std;         // [T]
  Tensor<float> t_inv_std;         // [T]
  Tensor<float> alpha;             // [T]: readout weights, multiplicities counted in
  Tensor<uint8_t> attention_keep;  // [T, h*H / 8] bits, of the dropout of the attention's output
  Tensor<uint8_t> residual_keep;   // [T, h*H / 8] bits, of the dropout of the sum
};

}  // namespace quadhop::cpu
