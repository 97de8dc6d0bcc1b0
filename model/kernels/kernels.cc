// Shape checks, once, in front of every backend.
#include "model/kernels/kernels.h"

#include <utility>

#include "core/base/check.h"
#include "model/kernels/batch_arrays.h"
#include "model/kernels/local_weights.h"

namespace quadhop {
namespace {

// Rows and columns of an operand, as a product takes it.
std::pair<int64_t, int64_t> Dims(const ColumnsView<const float>& view, bool transposed) {
  return transposed ? std::pair(view.columns, view.rows) : std::pair(view.rows, view.columns);
}

}  // namespace

void Kernels::Linear(const LinearArgs& args) {
  QH_CHECK(args.weight.HasDims({args.y.dim(1), args.x.dim(1)}));
  QH_CHECK_EQ(args.bias.size(), args.y.dim(1));
  QH_CHECK_EQ(args.x.dim(0), args.y.dim(0));
  QH_CHECK_EQ(args.slices.rows(), args.x.dim(0));
  DoLinear(args);
}

void Kernels::LinearBackward(const LinearBackwardArgs& args) {
  QH_CHECK(args.weight.HasDims({args.d_y.dim(1), args.x.dim(1)}));
  QH_CHECK_EQ(args.x.dim(0), args.d_y.dim(0));
  QH_CHECK_EQ(args.slices.rows(), args.x.dim(0));
  QH_CHECK(args.d_x.empty() || args.d_x.HasDims({args.x.dim(0), args.x.dim(1)}));
  DoLinearBackward(args);
}

void Kernels::ColumnMoments(const Slices& slices, TensorView<const float> x,
                            TensorView<Moments> moments) {
  QH_CHECK(slices.array != nullptr);
  QH_CHECK(moments.HasDims({slices.num_partitions(), x.dim(1)}));
  QH_CHECK_EQ(slices.rows(), x.dim(0));
  DoColumnMoments(slices, x, moments);
}

void Kernels::TakeMoments(const TakeMomentsArgs& args) {
  const int64_t width = args.total.size();
  for (const TensorView<float> view :
       {args.mean, args.inv_std, args.running_mean, args.running_var})
    QH_CHECK_EQ(view.size(), width);
  DoTakeMoments(args);
}

void Kernels::InverseDeviation(TensorView<const float> variance, TensorView<float> inv_std) {
  QH_CHECK_EQ(variance.size(), inv_std.size());
  DoInverseDeviation(variance, inv_std);
}

void Kernels::Standardise(TensorView<const float> x, TensorView<const float> mean,
                          TensorView<const float> inv_std, TensorView<float> y) {
  QH_CHECK(y.HasDims({x.dim(0), x.dim(1)}));
  QH_CHECK_EQ(mean.size(), x.dim(1));
  QH_CHECK_EQ(inv_std.size(), x.dim(1));
  DoStandardise(x, mean, inv_std, y);
}

void Kernels::GatherRows(TensorView<const float> x, TensorView<const LocalRow> rows,
                         TensorView<float> y) {
  QH_CHECK_EQ(rows.size(), y.dim(0));
  QH_CHECK(rows.empty() || y.dim(1) <= x.row_size());
  DoGatherRows(x, rows, y);
}

void Kernels::Activation(const ActivationArgs& args) {
  const int64_t rows = args.x.dim(0), columns = args.x.dim(1);
  QH_CHECK(args.y.HasDims({rows, columns}));
  QH_CHECK(args.x_hat.HasDims({rows, columns}));
  QH_CHECK(args.gate.HasDims({rows, columns}));
  if (args.norm == NormKind::kBatch) QH_CHECK_EQ(args.mean.size(), columns);
  if (args.norm == NormKind::kLayer) QH_CHECK_EQ(args.row_inv_std.size(), rows);
  if (args.norm != NormKind::kNone) QH_CHECK_EQ(args.scale.size(), columns);
  DoActivation(args);
}

void Kernels::ActivationBackwardSums(const ActivationBackwardSumsArgs& args) {
  QH_CHECK(args.slices.array != nullptr);
  QH_CHECK(args.sums.HasDims({args.slices.num_partitions(), 2, args.d.dim(1)}));
  QH_CHECK_EQ(args.d_shift.first == nullptr, args.d_scale.first == nullptr);
  QH_CHECK_EQ(args.slices.rows(), args.d.dim(0));
  DoActivationBackwardSums(args);
}

void Kernels::ActivationBackward(const ActivationBackwardArgs& args) {
  QH_CHECK(args.x_hat.HasDims({args.d.dim(0), args.d.dim(1)}));
  if (args.norm == NormKind::kBatch) QH_CHECK(args.sums.HasDims({2, args.d.dim(1)}));
  DoActivationBackward(args);
}

void Kernels::LocalForward(const LocalForwardArgs& args) {
  const LargeGTDims& dims = *args.dims;
  const int64_t nodes = args.slices.rows();
  QH_CHECK(args.y.HasDims({nodes, dims.wide()}));
  QH_CHECK_EQ(static_cast<int64_t>(args.batch->sampled_offsets.size()), nodes + 1);
  QH_CHECK_EQ(static_cast<int64_t>(args.batch->sampled.size()), args.batch->sampled_offsets.back());
  QH_CHECK_EQ(args.batch->multiplicity.size(), args.batch->sampled.size());
  QH_CHECK(nodes == 0 || args.arrays->features().row_size() == dims.hops_and_self * dims.features);
  QH_CHECK(args.activations != nullptr);
  DoLocalForward(args);
}

void Kernels::LocalBackward(const LocalBackwardArgs& args) {
  QH_CHECK(args.d_y.HasDims({args.slices.rows(), args.dims->wide()}));
  QH_CHECK(args.activations != nullptr);
  QH_CHECK(
      args.d_weights.HasDims({args.slices.num_partitions(), LocalWeights::NumFloats(*args.dims)}));
  DoLocalBackward(args);
}

void Kernels::CodebookAttention(const CodebookAttentionArgs& args) {
  const int64_t rows = args.query.dim(0), centroids = args.key.dim(0);
  QH_CHECK(args.probability.HasDims({rows, args.heads, centroids}));
  QH_CHECK(args.y.HasDims({rows, args.query.dim(1)}));
  QH_CHECK(args.value.HasDims({centroids, args.query.dim(1)}));
  QH_CHECK_EQ(args.log_count.size(), centroids);
  QH_CHECK_EQ(args.slices.rows(), rows);
  DoCodebookAttention(args);
}

void Kernels::CodebookAttentionBackward(const CodebookAttentionBackwardArgs& args) {
  const int64_t rows = args.slices.rows(), wide = args.key.dim(1), centroids = args.key.dim(0);
  QH_CHECK(args.value.HasDims({centroids, wide}));
  QH_CHECK(args.probability.HasDims({rows, args.heads, centroids}));
  QH_CHECK(args.d_y.HasDims({rows, wide}));
  QH_CHECK(args.d_query.HasDims({rows, wide}));
  DoCodebookAttentionBackward(args);
}

void Kernels::CodebookOuterSum(const CodebookOuterSumArgs& args) {
  QH_CHECK(args.left.HasDims({args.right.dim(0), args.heads, args.sum.dim(0)}));
  QH_CHECK_EQ(args.sum.dim(1), args.right.dim(1));
  DoCodebookOuterSum(args);
}

void Kernels::CodebookAssign(const CodebookAssignArgs& args) {
  const int64_t centroids = args.embedding.dim(0), width = args.embedding.dim(1);
  QH_CHECK_EQ(args.z.dim(1), width);
  QH_CHECK_EQ(args.nearest.size(), args.z.dim(0));
  QH_CHECK(args.hits_and_sums.HasDims({args.slices.num_partitions(), centroids * (1 + width)}));
  DoCodebookAssign(args);
}

void Kernels::CodebookRecode(const CodebookRecodeArgs& args) {
  QH_CHECK_EQ(args.nearest.size(), args.nodes.size());
  QH_CHECK_EQ(args.replaced.size(), args.nodes.size());
  QH_CHECK_EQ(args.moves.dim(0), args.slices.num_partitions());
  QH_CHECK(args.slices.array != nullptr);
  DoCodebookRecode(args);
}

void Kernels::CodebookCount(TensorView<const int64_t> moves, TensorView<int64_t> counts,
                            TensorView<float> log_count) {
  QH_CHECK(moves.empty() || moves.size() == counts.size());
  QH_CHECK_EQ(log_count.size(), counts.size());
  DoCodebookCount(moves, counts, log_count);
}

void Kernels::CodebookMove(const CodebookMoveArgs& args) {
  const int64_t centroids = args.embedding.dim(0), width = args.embedding.dim(1);
  QH_CHECK_EQ(args.hits_and_sums.size(), centroids * (1 + width));
  QH_CHECK_EQ(args.sizes.size(), centroids);
  QH_CHECK(args.sums.HasDims({centroids, width}));
  DoCodebookMove(args);
}

void Kernels::CodebookOutput(TensorView<const float> embedding, TensorView<const float> mean,
                             TensorView<const float> variance, TensorView<float> output) {
  QH_CHECK(output.HasDims({embedding.dim(0), embedding.dim(1)}));
  QH_CHECK_EQ(mean.size(), embedding.dim(1));
  QH_CHECK_EQ(variance.size(), embedding.dim(1));
  DoCodebookOutput(embedding, mean, variance, output);
}

void Kernels::Loss(const LossArgs& args) {
  QH_CHECK(args.slices.array != nullptr);
  QH_CHECK_EQ(args.slices.rows(), args.logits.dim(0));
  QH_CHECK(args.d_logits.HasDims({args.logits.dim(0), args.logits.dim(1)}));
  QH_CHECK_EQ(args.loss.size(), args.slices.num_partitions());
  if (args.kind == LossKind::kCrossEntropy) {
    QH_CHECK_EQ(args.labels.size(), args.logits.dim(0));
  } else {
    QH_CHECK(args.multi_labels.HasDims({args.logits.dim(0), args.logits.dim(1)}));
  }
  DoLoss(args);
}

void Kernels::Adam(const AdamArgs& args) {
  QH_CHECK_EQ(args.gradient.size(), args.value.size());
  QH_CHECK_EQ(args.first_moment.size(), args.value.size());
  QH_CHECK_EQ(args.second_moment.size(), args.value.size());
  DoAdam(args);
}

void Kernels::CheckFinite(TensorView<const float> x, TensorView<double> all_finite) {
  QH_CHECK_EQ(all_finite.size(), 1);
  DoCheckFinite(x, all_finite);
}

void Kernels::Multiply(absl::Span<const ProductArgs> products) {
  for (const ProductArgs& of : products) {
    const auto [m, k] = Dims(of.a, of.transpose_a);
    const auto [same_k, n] = Dims(of.b, of.transpose_b);
    QH_CHECK_EQ(k, same_k);
    QH_CHECK_EQ(m, of.c.rows);
    QH_CHECK_EQ(n, of.c.columns);
  }
  DoMultiply(products);
}

}  // namespace quadhop
