#include "model/cpu/local_activations.h"

namespace quadhop::cpu {
namespace {

template <typename T>
void ResizeOperands(const LargeGTDims& dims, int64_t tokens, int64_t p_size,
                    LocalOperands<T>& operands) {
  const int64_t width = dims.width, wide = dims.wide();
  operands.a.ResizeWithRoom({tokens, width});
  operands.u.ResizeWithRoom({tokens, width});
  operands.q.ResizeWithRoom({tokens, wide});
  operands.p.ResizeWithRoom({p_size});
  operands.y.ResizeWithRoom({tokens, wide});
  operands.t_hat.ResizeWithRoom({tokens, wide});
}

}  // namespace

void CpuLocalActivations::Resize(const LargeGTDims& dims, const Batch& batch, Precision precision) {
  const int64_t tokens = dims.hops_and_self * batch.sampled_offsets.back();
  const int64_t keep_bytes = (dims.wide() + 7) / 8;
  p_offsets.assign(1, 0);
  for (size_t b = 0; b < batch.nodes.size(); ++b) {
    const int64_t of_node =
        dims.hops_and_self * (batch.sampled_offsets[b + 1] - batch.sampled_offsets[b]);  // S
    p_offsets.push_back(p_offsets.back() + dims.heads * of_node * of_node);
  }
  if (precision == Precision::kF32) {
    ResizeOperands(dims, tokens, p_offsets.back(), f32);
  } else {
    ResizeOperands(dims, tokens, p_offsets.back(), bf16);
  }
  u_mean.ResizeWithRoom({tokens});
  u_inv_std.ResizeWithRoom({tokens});
  t_inv_std.ResizeWithRoom({tokens});
  alpha.ResizeWithRoom({tokens});
  attention_keep.ResizeWithRoom({tokens, keep_bytes});
  residual_keep.ResizeWithRoom({tokens, keep_bytes});
}

}  // namespace quadhop::cpu
