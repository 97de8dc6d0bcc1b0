// Backward pass of the local module: as in the forward pass, all rows go through one layer after
// the other; weight gradients and sums over rows are made slice by slice.
#include "model/cuda/column_sums.cuh"
#include "model/cuda/kernels_cuda.h"
#include "model/cuda/local_pass.h"

namespace quadhop::cuda {
namespace {

// The scale of a dropout whose masks the forward pass stored; 0 if it stored none.
float ScaleOfMask(double probability) {
  return DropoutThreshold(probability) > 0 ? DropoutScale(probability) : 0;
}

template <typename T>
class BackwardPass : LocalPass<T, LocalBackwardArgs> {
  using Base = LocalPass<T, LocalBackwardArgs>;
  using Base::act_, Base::args_, Base::d_, Base::device_, Base::kept_, Base::operand_, Base::w_;
  using Base::ForEachSlice, Base::Multiply;

 public:
  BackwardPass(Device& device, Products& products, const LocalBackwardArgs& args)
      : Base(device, products, args),
        rows_(Base::tokens().rows),
        slices_(MakeSliceRows(args.slices, Base::tokens().begin,
                              [this](int64_t node) { return Base::FirstRow(node); })) {
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
  // For each partition, weight [m, n] = a^T b over its rows of a [rows, m] and b [rows, n].
  void MultiplyRows(const T* a, int64_t m, const T* b, int64_t n,
                    TensorView<float> LocalWeights::*weight, int64_t b_stride = 0) {
    if (b_stride == 0) b_stride = n;
    const Together together(Base::products_);
    ForEachSlice([&](size_t p, int64_t begin, int64_t rows) {
      Base::products_.Multiply(m, n, rows, MatrixRef<T>{a + begin * m, m, true},
                               MatrixRef<T>{b + begin * b_stride, b_stride}, 0,
                               {(g_[p].*weight).data(), n, args_.d_weights.row_size()});
    });
  }
  // The gradients of a bias, or the like, for all partitions.
  PartitionGradients Of(TensorView<float> LocalWeights::*weight) const {
    return {(g_.front().*weight).data(), args_.d_weights.row_size()};
  }

  // Readout and the norm before it: d_residual and d_attended, from d_y.
  void Read() {
    const int64_t num_nodes = args_.slices.rows(), wide = d_.wide();
    const Buffer<float> d_vectors(device_, num_nodes * 2 * wide);
    ResidualBackwardRows<T> rows{};
    rows.readout = Base::Readings();
    const ReadoutNodes nodes =
        ReadoutBackwardNodes(device_, rows.readout, args_.d_y.data(), d_vectors.data());
    // The gradients of scale and shift, which follow each other in LocalWeights.
    SumColumns(device_, NodeRowsOf(args_.slices), d_vectors.data(), 2 * wide,
               Of(&LocalWeights::t_scale));
    rows.slices = slices_;
    rows.scaled = nodes.scaled.data();
    rows.mean = nodes.mean.data();
    rows.along_summary = nodes.along_summary.data();
    rows.inv_std = act_.t_inv_std.data();
    rows.attention_scale = ScaleOfMask(args_.attention_dropout);
    rows.residual_scale = ScaleOfMask(args_.residual_dropout);
    rows.attention_keep = act_.attention_keep.data();
    rows.residual_keep = act_.residual_keep.data();
    rows.d_residual = d_residual_.data();
    rows.d_attended = d_attended_.data();
    rows.d_residual_sum = Of(&LocalWeights::b_residual);
    rows.d_attended_sum = Of(&LocalWeights::b_out);
    rows.scored_sum = Of(&LocalWeights::w_read);
    ResidualNormBackward(device_, rows);
    ReadoutBackwardScores(device_, rows.readout, args_.slices.num_partitions(),
                          Of(&LocalWeights::t_scale), Of(&LocalWeights::w_read));
  }

  // Through u w_residual^T and y n: gradients of both maps, the residual's part of d_u, and d_y in
  // the place of d_residual.
  void AddResidual() {
    const int64_t width = d_.width, wide = d_.wide();
    MultiplyRows(d_residual_.data(), wide, kept_.u.data(), width, &LocalWeights::w_residual);
    Multiply(d_residual_.data(), wide, operand_(w_.w_residual), false, width, d_u_.data());
    MultiplyRows(kept_.y.data(), wide, d_attended_.data(), wide, &LocalWeights::n);
    Multiply(d_attended_.data(), wide, operand_(w_.n), true, wide, d_residual_.data());
  }

  // y = p z, p = softmax(q z^T): d_z, and d_q in the place of d_attended.
  void Attend() {
    const int most_tokens = Base::tokens().most_tokens;
    const Buffer<T> d_scores(device_, rows_ * d_.heads * ScoreStride(most_tokens));
    TokenAttention<T> attention = Base::Attention();
    attention.d_y = d_residual_.data();
    attention.d_scores = d_scores.data();
    attention.d_q = d_attended_.data();
    attention.d_z = d_z_.data();
    TokenAttentionBackward(device_, attention);
  }

  // q = z m + c, then z = layer_norm(u): completes d_u.
  void Queries() {
    const int64_t width = d_.width, wide = d_.wide();
    const T* d_q = d_attended_.data();
    SumColumns(device_, slices_, d_q, wide, Of(&LocalWeights::c));
    MultiplyRows(kept_.z.data(), width, d_q, wide, &LocalWeights::m);
    Multiply(d_q, wide, operand_(w_.m), true, width, d_z_.data(), 1);
    LayerNormBackwardRows<T> rows{};
    rows.forward = Base::Normalised();
    rows.slices = slices_;
    rows.d_z = d_z_.data();
    rows.d_u = d_u_.data();
    rows.d_scale = Of(&LocalWeights::z_scale);
    rows.d_shift = Of(&LocalWeights::z_shift);
    rows.d_u_sum = Of(&LocalWeights::b_embed);
    LayerNormBackward(device_, rows);
  }

  // u = a w_embed^T + b_embed, a = dropout(relu(x w_in^T + b_in)). d_z's memory takes d_a.
  void Embed() {
    const int64_t width = d_.width;
    MultiplyRows(d_u_.data(), width, kept_.a.data(), width, &LocalWeights::w_embed);
    Multiply(d_u_.data(), width, operand_(w_.w_embed), false, width, d_z_.data());
    ReluDropoutBackward(device_, slices_, kept_.a.data(), DropoutScale(args_.token_dropout), width,
                        d_z_.data(), Of(&LocalWeights::b_in));
    MultiplyRows(d_z_.data(), width, kept_.x.data(), d_.token_columns(), &LocalWeights::w_in,
                 InputStride<T>(d_.token_columns()));
  }

  const int64_t rows_;                 // tokens
  const SliceRows slices_;             // of them
  std::vector<LocalWeights> g_;        // [Pl]: views into d_weights
  Buffer<T> d_residual_, d_attended_;  // [rows, h*H]
  Buffer<T> d_u_, d_z_;                // [rows, H]
};

}  // namespace

void CudaKernels::DoLocalBackward(const LocalBackwardArgs& args) {
  if (args.precision == Precision::kBF16) {
    BackwardPass<__nv_bfloat16>(*device_, *products_, args).Run();
  } else {
    BackwardPass<float>(*device_, *products_, args).Run();
  }
}

}  // namespace quadhop::cuda
