// Forward pass of the local module: all rows of the batch go through one layer after the other,
// products slice by slice.
#include "model/cuda/kernels_cuda.h"
#include "model/cuda/local_pass.h"

namespace quadhop::cuda {
namespace {

template <typename T>
class ForwardPass : LocalPass<T, LocalForwardArgs> {
  using Base = LocalPass<T, LocalForwardArgs>;
  using Base::act_, Base::args_, Base::d_, Base::device_, Base::kept_, Base::operand_, Base::w_;
  using Base::Multiply, Base::tokens;

 public:
  ForwardPass(Device& device, Products& products, const LocalForwardArgs& args)
      : Base(device, products, args) {
    act_.Reserve(device, args);
  }

  void Run() {
    Embed();
    Attend();
    AddResidual();
    Read();
  }

 private:
  // a = dropout(relu(x w_in^T + b_in)); u = a w_embed^T + b_embed; z = layer_norm(u).
  void Embed() {
    const BatchArrays& arrays = *args_.arrays;
    const int64_t columns = d_.token_columns(), inputs = InputStride<T>(columns);
    const T* w_in = operand_(w_.w_in);
    Buffer<T> padded;
    if (inputs != columns) {
      padded.Reserve(device_, d_.width * inputs);
      PadRows(device_, w_in, d_.width, columns, inputs, padded.data());
      w_in = padded.data();
    }
    TokenInputs gathered{};
    gathered.tokens = tokens();
    gathered.entries = arrays.sampled().size();
    gathered.sampled = arrays.sampled().data();
    gathered.own = arrays.own().data();
    gathered.feature_rows = arrays.features().data();
    gathered.hops_and_self = d_.hops_and_self;
    gathered.features = d_.features;
    gathered.marks = d_.marks();
    GatherTokens(device_, gathered, inputs, kept_.x.data());
    Multiply(kept_.x.data(), inputs, w_in, true, d_.width, kept_.a.data(), 0,
             {operand_(w_.b_in), /*relu=*/true});
    DropTokens(device_, Keyed(args_.token_dropout, token_keys_), tokens(), d_.width,
               kept_.a.data());
    Multiply(kept_.a.data(), d_.width, operand_(w_.w_embed), true, d_.width, kept_.u.data(), 0,
             {operand_(w_.b_embed)});
    LayerNorm(device_, Base::Normalised());
  }

  // q = z m + c; y = softmax(q z^T) z for each head.
  void Attend() {
    Multiply(kept_.z.data(), d_.width, operand_(w_.m), false, d_.wide(), kept_.q.data(), 0,
             {operand_(w_.c)});
    TokenAttentionForward(device_, Base::Attention());
  }

  // t_hat = normalised dropout(u w_residual^T + b_residual + dropout(y n + b_out)).
  void AddResidual() {
    const int64_t size = tokens().rows * d_.wide();
    const Buffer<T> attended(device_, size), residual(device_, size);
    Multiply(kept_.y.data(), d_.wide(), operand_(w_.n), false, d_.wide(), attended.data());
    Multiply(kept_.u.data(), d_.width, operand_(w_.w_residual), true, d_.wide(), residual.data());
    ResidualRows<T> rows{};
    rows.tokens = tokens();
    rows.width = d_.wide();
    rows.residual = residual.data();
    rows.attended = attended.data();
    rows.residual_bias = w_.b_residual.data();
    rows.attended_bias = w_.b_out.data();
    rows.attention_dropout = Keyed(args_.attention_dropout, attention_keys_);
    rows.residual_dropout = Keyed(args_.residual_dropout, residual_keys_);
    rows.attention_keep = act_.attention_keep.data();
    rows.residual_keep = act_.residual_keep.data();
    rows.x_hat = kept_.t_hat.data();
    rows.inv_std = act_.t_inv_std.data();
    ResidualNorm(device_, rows);
  }

  void Read() { Readout(device_, Base::Readings(), args_.y.data()); }

  // The dropout with the keys of the batch's nodes.
  DeviceDropout Keyed(const Dropout& dropout, Buffer<uint64_t>& keys) {
    DeviceDropout keyed = DeviceDropoutOf(dropout);
    MakeDropoutKeys(device_, tokens().nodes, keyed, keys);
    return keyed;
  }

  Buffer<uint64_t> token_keys_, attention_keys_, residual_keys_;  // [B]
};

}  // namespace

std::unique_ptr<LocalActivations> CudaKernels::MakeLocalActivations() {
  return std::make_unique<CudaLocalActivations>();
}

void CudaKernels::DoLocalForward(const LocalForwardArgs& args) {
  if (args.precision == Precision::kBF16) {
    ForwardPass<__nv_bfloat16>(*device_, *products_, args).Run();
  } else {
    ForwardPass<float>(*device_, *products_, args).Run();
  }
}

}  // namespace quadhop::cuda
