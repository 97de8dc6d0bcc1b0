// Backward pass of the local module: as forward, all rows through one layer after the other; weight
// gradients and sums over rows slice by slice.
#include "model/cuda/column_sums.cuh"
#include "model/cuda/kernels_cuda.h"
#include "model/cuda/local_pass.h"

namespace quadhop::cuda {
namespace {

// d_z * u_hat, which sums to the gradient of the norm's scale.
template <typename T>
struct ScaleGradient {
  const float* d_z;
  const T* u;
  const float *mean, *inv_std;
  int64_t columns;
  __device__ float operator()(int64_t row, int64_t column) const {
    const int64_t at = row * columns + column;
    return d_z[at] * ((ToFloat(u[at]) - mean[row]) * inv_std[row]);
  }
};

template <typename T>
class BackwardPass : LocalPass<T, LocalBackwardArgs> {
  using Base = LocalPass<T, LocalBackwardArgs>;
  using Base::act_, Base::args_, Base::d_, Base::device_, Base::kept_, Base::operand_, Base::w_;
  using Base::ForEachSlice, Base::Multiply;

 public:
  BackwardPass(Device& device, Products& products, const LocalBackwardArgs& args)
      : Base(device, products, args), rows_(Base::tokens().rows) {
    if (args.d_weights.data() == nullptr) return;  // the device has an error
    for (int64_t p = 0; p < args.slices.num_partitions(); ++p)
      g_.emplace_back(d_, args.d_weights.row(p));
  }

  void Run() {
    if (g_.empty()) return;
    d_residual_.Reserve(device_, rows_ * d_.wide());
    d_attended_.Reserve(device_, rows_ * d_.wide());
    d_u_.Reserve(device_, rows_ * d_.width);
    d_z_.Reserve(device_, rows_ * d_.width);
    Read();
    AddResidual();
    Attend();
    Queries();
    Embed();
  }

 private:
  // Of each partition, weight [m, n] = a^T b over its rows of a [rows, m] and b [rows, n].
  void MultiplyRows(const T* a, int64_t m, const T* b, int64_t n,
                    TensorView<float> LocalWeights::*weight) {
    ForEachSlice([&](size_t p, int64_t begin, int64_t rows) {
      Base::products_.Multiply(m, n, rows, MatrixRef<T>{a + begin * m, m, true},
                               MatrixRef<T>{b + begin * n, n}, 0, (g_[p].*weight).data(), n);
    });
  }
  // Of each partition, weight [columns] = the sum over its rows of value(row, column).
  template <typename Value>
  void SumRows(const Value& value, int64_t columns, TensorView<float> LocalWeights::*weight) {
    ForEachSlice([&](size_t p, int64_t begin, int64_t rows) {
      SumColumns(device_, value, begin, begin + rows, columns, (g_[p].*weight).data());
    });
  }

  // Readout and the norm before it: from d_y, d_residual and d_attended.
  void Read() {
    const int64_t nodes = args_.slices.rows(), wide = d_.wide();
    const Buffer<float> d_score(device_, rows_), parts(device_, nodes * 3 * wide);
    ResidualBackwardRows<T> rows{};
    rows.readout = Base::Readings();
    ReadoutBackward(device_, rows.readout, args_.d_y.data(), d_score.data(), parts.data());
    // Parts have a row a node.
    int64_t first = 0;
    for (const auto weight :
         {&LocalWeights::t_scale, &LocalWeights::t_shift, &LocalWeights::w_read}) {
      const MatrixValue<float> value{parts.data() + first, 3 * wide};
      for (int64_t p = 0; p < args_.slices.num_partitions(); ++p)
        SumColumns(device_, value, args_.slices.begin(p), args_.slices.end(p), wide,
                   (g_[static_cast<size_t>(p)].*weight).data());
      first += wide;
    }
    rows.d_y = args_.d_y.data();
    rows.d_score = d_score.data();
    rows.inv_std = act_.t_inv_std.data();
    rows.attention_scale = args_.attention_dropout > 0 ? DropoutScale(args_.attention_dropout) : 0;
    rows.residual_scale = args_.residual_dropout > 0 ? DropoutScale(args_.residual_dropout) : 0;
    rows.attention_keep = act_.attention_keep.data();
    rows.residual_keep = act_.residual_keep.data();
    rows.d_residual = d_residual_.data();
    rows.d_attended = d_attended_.data();
    ResidualNormBackward(device_, rows);
  }

  // Through u w_residual^T and y n: gradients of both maps, the residual's part of d_u, and d_y in
  // the place of d_residual.
  void AddResidual() {
    const int64_t width = d_.width, wide = d_.wide();
    SumRows(MatrixValue<T>{d_residual_.data(), wide}, wide, &LocalWeights::b_residual);
    SumRows(MatrixValue<T>{d_attended_.data(), wide}, wide, &LocalWeights::b_out);
    MultiplyRows(d_residual_.data(), wide, kept_.u.data(), width, &LocalWeights::w_residual);
    Multiply(d_residual_.data(), wide, operand_(w_.w_residual), false, width, d_u_.data());
    MultiplyRows(kept_.y.data(), wide, d_attended_.data(), wide, &LocalWeights::n);
    Multiply(d_attended_.data(), wide, operand_(w_.n), true, wide, d_residual_.data());
  }

  // y = p z, p = softmax(q z^T): d_z, and d_q in the place of d_attended.
  void Attend() {
    const Buffer<float> d_y_dot_y(device_, rows_ * d_.heads);
    TokenAttention<T> attention = Base::Attention();
    attention.d_y = d_residual_.data();
    attention.d_y_dot_y = d_y_dot_y.data();
    attention.d_q = d_attended_.data();
    attention.d_z = d_z_.data();
    TokenAttentionBackward(device_, attention);
  }

  // q = z m + c, then z = layer_norm(u): completes d_u.
  void Queries() {
    const int64_t width = d_.width, wide = d_.wide();
    const T* d_q = d_attended_.data();
    SumRows(MatrixValue<T>{d_q, wide}, wide, &LocalWeights::c);
    MultiplyRows(kept_.z.data(), width, d_q, wide, &LocalWeights::m);
    Multiply(d_q, wide, operand_(w_.m), true, width, d_z_.data(), 1);
    SumRows(ScaleGradient<T>{d_z_.data(), kept_.u.data(), act_.u_mean.data(), act_.u_inv_std.data(),
                             width},
            width, &LocalWeights::z_scale);
    SumRows(MatrixValue<float>{d_z_.data(), width}, width, &LocalWeights::z_shift);
    LayerNormBackward(device_, Base::Normalised(), d_z_.data(), d_u_.data());
  }

  // u = a w_embed^T + b_embed, a = dropout(relu(x w_in^T + b_in)). d_z's memory takes d_a.
  void Embed() {
    const int64_t width = d_.width;
    SumRows(MatrixValue<float>{d_u_.data(), width}, width, &LocalWeights::b_embed);
    const Buffer<T> operand(device_, rows_ * width);  // d_u, then d_a
    Round(device_, d_u_.data(), rows_ * width, operand.data());
    MultiplyRows(operand.data(), width, kept_.a.data(), width, &LocalWeights::w_embed);
    Multiply(operand.data(), width, operand_(w_.w_embed), false, width, d_z_.data());
    ReluDropoutBackward(device_, d_z_.data(), kept_.a.data(), DropoutScale(args_.token_dropout),
                        rows_ * width, operand.data());
    SumRows(MatrixValue<T>{operand.data(), width}, width, &LocalWeights::b_in);
    MultiplyRows(operand.data(), width, kept_.x.data(), d_.features, &LocalWeights::w_in);
  }

  const int64_t rows_;                 // tokens
  std::vector<LocalWeights> g_;        // [Pl]: views into d_weights
  Buffer<T> d_residual_, d_attended_;  // [rows, h*H]
  Buffer<float> d_u_, d_z_;            // [rows, H]
};

}  // namespace

void CudaKernels::DoLocalBackward(const LocalBackwardArgs& args) {
  if (args.precision == Precision::kF32) {
    BackwardPass<float>(*device_, *products_, args).Run();
  } else {
    BackwardPass<__nv_bfloat16>(*device_, *products_, args).Run();
  }
}

}  // namespace quadhop::cuda
