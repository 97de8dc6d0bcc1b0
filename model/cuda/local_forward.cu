// Forward pass of the local module: all rows of the batch go through one layer after the other,
// products slice by slice.
#include "model/cuda/kernels_cuda.h"
#include "model/cuda/local_activations_cuda.h"
#include "model/cuda/local_rows.h"
#include "model/cuda/staged.h"
#include "model/cuda/token_attention.h"

namespace quadhop::cuda {
namespace {

template <typename T>
class ForwardPass {
 public:
  ForwardPass(Device& device, Products& products, const LocalForwardArgs& args)
      : device_(device),
        products_(products),
        args_(args),
        d_(*args.dims),
        act_(static_cast<CudaLocalActivations&>(*args.activations)),
        kept_(act_.template operands<T>()),
        operand_(device, d_, *args.weights),
        w_(operand_.floats()) {
    act_.Reserve(device, d_, *args.batch, args.precision);
  }

  void Run() {
    Embed();
    Attend();
    AddResidual();
    Read();
  }

 private:
  const TokenRows& tokens() const { return act_.tokens.rows(); }
  // Of batch node b.
  int64_t FirstRow(int64_t b) const {
    return d_.hops_and_self * args_.batch->sampled_offsets[static_cast<size_t>(b)];
  }
  // c [rows, n] = a [rows, k] b, slice by slice; b is transposed when told so.
  template <typename C>
  void Multiply(const T* a, int64_t k, const T* b, bool transposed, int64_t n, C* c,
                Epilogue epilogue = {}) {
    for (int64_t p = 0; p < args_.slices.num_partitions(); ++p) {
      const int64_t begin = FirstRow(args_.slices.begin(p)), end = FirstRow(args_.slices.end(p));
      products_.Multiply(end - begin, n, k, MatrixRef<T>{a + begin * k, k},
                         MatrixRef<T>{b, transposed ? k : n, transposed}, 0, c + begin * n, n, 1,
                         epilogue);
    }
  }

  // a = dropout(relu(x w_in^T + b_in)); u = a w_embed^T + b_embed; z = layer_norm(u).
  void Embed() {
    static_assert(sizeof(LocalRow) == sizeof(int32_t));
    const Batch& batch = *args_.batch;
    const Input<float> features(device_, batch.features.cview());
    const Input<int32_t> sampled(device_, reinterpret_cast<const int32_t*>(batch.sampled.data()),
                                 static_cast<int64_t>(batch.sampled.size()));
    GatherTokens(device_, features.data(), sampled.data(),
                 static_cast<int64_t>(batch.sampled.size()), d_.hops_and_self * d_.features,
                 kept_.x.data());
    Multiply(kept_.x.data(), d_.features, operand_(w_.w_in), true, d_.width, kept_.a.data(),
             {operand_(w_.b_in), /*relu=*/true});
    const StagedDropout dropout(device_, args_.token_dropout);
    DropTokens(device_, dropout.get(), tokens(), d_.width, kept_.a.data());
    Multiply(kept_.a.data(), d_.width, operand_(w_.w_embed), true, d_.width, kept_.u.data(),
             {operand_(w_.b_embed)});
    LayerNorm(device_, LayerNormRows<T>{tokens().rows, d_.width, kept_.u.data(), w_.z_scale.data(),
                                        w_.z_shift.data(), kept_.z.data(), act_.u_mean.data(),
                                        act_.u_inv_std.data()});
  }

  // q = z m + c; y = softmax(q z^T) z for each head.
  void Attend() {
    Multiply(kept_.z.data(), d_.width, operand_(w_.m), false, d_.wide(), kept_.q.data(),
             {operand_(w_.c)});
    TokenAttention<T> attention{};
    attention.tokens = tokens();
    attention.heads = static_cast<int>(d_.heads);
    attention.width = static_cast<int>(d_.width);
    attention.q = kept_.q.data();
    attention.z = kept_.z.data();
    attention.y = kept_.y.data();
    attention.log_sum = act_.log_sum.data();
    TokenAttentionForward(device_, attention);
  }

  // t_hat = normalised dropout(u w_residual^T + b_residual + dropout(y n + b_out)).
  void AddResidual() {
    const int64_t size = tokens().rows * d_.wide();
    const Buffer<float> attended(device_, size), residual(device_, size);
    Multiply(kept_.y.data(), d_.wide(), operand_(w_.n), false, d_.wide(), attended.data());
    Multiply(kept_.u.data(), d_.width, operand_(w_.w_residual), true, d_.wide(), residual.data());
    const StagedDropout of_attention(device_, args_.attention_dropout);
    const StagedDropout of_residual(device_, args_.residual_dropout);
    ResidualRows<T> rows{};
    rows.tokens = tokens();
    rows.width = d_.wide();
    rows.residual = residual.data();
    rows.attended = attended.data();
    rows.residual_bias = w_.b_residual.data();
    rows.attended_bias = w_.b_out.data();
    rows.attention_dropout = of_attention.get();
    rows.residual_dropout = of_residual.get();
    rows.attention_keep = act_.attention_keep.data();
    rows.residual_keep = act_.residual_keep.data();
    rows.x_hat = kept_.t_hat.data();
    rows.inv_std = act_.t_inv_std.data();
    ResidualNorm(device_, rows);
  }

  void Read() {
    const Output<float> y(device_, args_.y);
    Readout(device_,
            ReadoutRows<T>{tokens(), d_.wide(), kept_.t_hat.data(), w_.t_scale.data(),
                           w_.t_shift.data(), w_.w_read.data(), act_.alpha.data()},
            y.data());
  }

  Device& device_;
  Products& products_;
  const LocalForwardArgs& args_;
  const LargeGTDims& d_;
  CudaLocalActivations& act_;
  LocalOperands<T>& kept_;
  const StagedWeights<T> operand_;
  const LocalWeights& w_;
};

}  // namespace

template <typename T>
StagedWeights<T>::StagedWeights(Device& device, const LargeGTDims& dims, const LocalWeights& host)
    : memory_(device, LocalWeights::NumFloats(dims)) {
  const int64_t n = LocalWeights::NumFloats(dims);
  if (memory_.data() == nullptr) return;  // the device has an error
  device.Upload(host.base(), static_cast<size_t>(n) * sizeof(float), memory_.data());
  floats_ = LocalWeights(dims, memory_.data());
  if constexpr (!std::is_same_v<T, float>) {
    rounded_.Reserve(device, n);
    Round(device, memory_.data(), n, rounded_.data());
  }
}
template class StagedWeights<float>;
template class StagedWeights<__nv_bfloat16>;

std::unique_ptr<LocalActivations> CudaKernels::MakeLocalActivations() {
  return std::make_unique<CudaLocalActivations>();
}

void CudaKernels::DoLocalForward(const LocalForwardArgs& args) {
  if (args.precision == Precision::kF32) {
    ForwardPass<float>(*device_, *products_, args).Run();
  } else {
    ForwardPass<__nv_bfloat16>(*device_, *products_, args).Run();
  }
}

}  // namespace quadhop::cuda
