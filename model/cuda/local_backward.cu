// Backward pass of the local module: as forward, all rows through one layer after the other; weight
// gradients and sums over rows slice by slice.
#include "model/cuda/column_sums.cuh"
#include "model/cuda/kernels_cuda.h"
#include "model/cuda/local_activations_cuda.h"
#include "model/cuda/local_rows.h"
#include "model/cuda/staged.h"
#include "model/cuda/token_attention.h"

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
class BackwardPass {
 public:
  BackwardPass(Device& device, Products& products, const LocalBackwardArgs& args)
      : device_(device),
        products_(products),
        args_(args),
        d_(*args.dims),
        act_(static_cast<CudaLocalActivations&>(*args.activations)),
        kept_(act_.template operands<T>()),
        operand_(device, d_, *args.weights),
        w_(operand_.floats()),
        rows_(act_.tokens.rows().rows),
        d_weights_(device, args.d_weights) {
    if (d_weights_.data() == nullptr) return;  // the device has an error
    for (int64_t p = 0; p < args.slices.num_partitions(); ++p)
      g_.emplace_back(d_, d_weights_.data() + p * LocalWeights::NumFloats(d_));
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
  // Of batch node b.
  int64_t FirstRow(int64_t b) const {
    return d_.hops_and_self * args_.batch->sampled_offsets[static_cast<size_t>(b)];
  }
  // Calls visit(partition, first row, number of rows) for each slice.
  template <typename Visit>
  void ForEachSlice(const Visit& visit) const {
    for (int64_t p = 0; p < args_.slices.num_partitions(); ++p)
      visit(static_cast<size_t>(p), FirstRow(args_.slices.begin(p)),
            FirstRow(args_.slices.end(p)) - FirstRow(args_.slices.begin(p)));
  }
  // c [rows, n] = a [rows, k] b + beta c; b is transposed when told so.
  template <typename C>
  void Multiply(const T* a, int64_t k, const T* b, bool transposed, int64_t n, C* c,
                float beta = 0) {
    ForEachSlice([&](size_t, int64_t begin, int64_t rows) {
      products_.Multiply(rows, n, k, MatrixRef<T>{a + begin * k, k},
                         MatrixRef<T>{b, transposed ? k : n, transposed}, beta, c + begin * n, n);
    });
  }
  // Of each partition, weight [m, n] = a^T b over its rows of a [rows, m] and b [rows, n].
  void MultiplyRows(const T* a, int64_t m, const T* b, int64_t n,
                    TensorView<float> LocalWeights::*weight) {
    ForEachSlice([&](size_t p, int64_t begin, int64_t rows) {
      products_.Multiply(m, n, rows, MatrixRef<T>{a + begin * m, m, true},
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
    const Input<float> d_y(device_, args_.d_y);
    const Buffer<float> d_score(device_, rows_), parts(device_, nodes * 3 * wide);
    ResidualBackwardRows<T> rows{};
    rows.readout = {act_.tokens.rows(), wide,
                    kept_.t_hat.data(), w_.t_scale.data(),
                    w_.t_shift.data(),  w_.w_read.data(),
                    act_.alpha.data()};
    ReadoutBackward(device_, rows.readout, d_y.data(), d_score.data(), parts.data());
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
    rows.d_y = d_y.data();
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
    TokenAttention<T> attention{};
    attention.tokens = act_.tokens.rows();
    attention.heads = static_cast<int>(d_.heads);
    attention.width = static_cast<int>(d_.width);
    attention.q = kept_.q.data();
    attention.z = kept_.z.data();
    attention.y = kept_.y.data();
    attention.log_sum = act_.log_sum.data();
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
    LayerNormBackward(
        device_,
        LayerNormRows<T>{rows_, width, kept_.u.data(), w_.z_scale.data(), w_.z_shift.data(),
                         kept_.z.data(), act_.u_mean.data(), act_.u_inv_std.data()},
        d_z_.data(), d_u_.data());
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

  Device& device_;
  Products& products_;
  const LocalBackwardArgs& args_;
  const LargeGTDims& d_;
  CudaLocalActivations& act_;
  LocalOperands<T>& kept_;
  const StagedWeights<T> operand_;
  const LocalWeights& w_;
  const int64_t rows_;                 // tokens
  const Output<float> d_weights_;      // [Pl, n]
  std::vector<LocalWeights> g_;        // [Pl]: views into d_weights_
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
