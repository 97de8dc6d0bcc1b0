#include "model/local_weights.h"

#include "core/check.h"

namespace quadhop {
namespace {

// Hands out consecutive pieces of one array; with a null base it only counts.
class Carver {
 public:
  explicit Carver(float* base) : base_(base) {}
  void Vector(int64_t n, TensorView<float>& view) { view = TensorView<float>(Take(n), {n}); }
  void Matrix(int64_t rows, int64_t columns, TensorView<float>& view) {
    view = TensorView<float>(Take(rows * columns), {rows, columns});
  }
  int64_t taken() const { return taken_; }

 private:
  float* Take(int64_t n) {
    float* piece = base_ == nullptr ? nullptr : base_ + taken_;
    taken_ += n;
    return piece;
  }
  float* base_;
  int64_t taken_ = 0;
};

int64_t Carve(const LargeGTDims& dims, float* base, LocalWeights& w) {
  const int64_t width = dims.width, wide = dims.wide();
  Carver carver(base);
  carver.Matrix(width, dims.features, w.w_in);
  carver.Vector(width, w.b_in);
  carver.Matrix(width, width, w.w_embed);
  carver.Vector(width, w.b_embed);
  carver.Vector(width, w.z_scale);
  carver.Vector(width, w.z_shift);
  carver.Matrix(width, wide, w.m);
  carver.Vector(wide, w.c);
  carver.Matrix(wide, wide, w.n);
  carver.Vector(wide, w.b_out);
  carver.Matrix(wide, width, w.w_residual);
  carver.Vector(wide, w.b_residual);
  carver.Vector(wide, w.t_scale);
  carver.Vector(wide, w.t_shift);
  carver.Vector(wide, w.w_read);
  return carver.taken();
}

template <typename T>
void ResizeOperands(const LargeGTDims& dims, int64_t tokens, int64_t p_size,
                    LocalOperands<T>& operands) {
  const int64_t width = dims.width, wide = dims.wide();
  operands.x.ResizeWithRoom({tokens, dims.features});
  operands.a.ResizeWithRoom({tokens, width});
  operands.u.ResizeWithRoom({tokens, width});
  operands.q.ResizeWithRoom({tokens, wide});
  operands.p.ResizeWithRoom({p_size});
  operands.y.ResizeWithRoom({tokens, wide});
  operands.t_hat.ResizeWithRoom({tokens, wide});
}

}  // namespace

LocalWeights::LocalWeights(const LargeGTDims& dims, float* base) {
  QH_CHECK(base != nullptr);
  Carve(dims, base, *this);
}

int64_t LocalWeights::NumFloats(const LargeGTDims& dims) {
  LocalWeights unused;
  return Carve(dims, nullptr, unused);
}

void LocalActivations::Resize(const LargeGTDims& dims, const Batch& batch, Precision precision) {
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

}  // namespace quadhop
