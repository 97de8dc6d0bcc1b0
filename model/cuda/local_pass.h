// What the forward and the backward pass of the local module have in common.
#pragma once

#include "model/cuda/local_activations_cuda.h"
#include "model/cuda/products_cuda.h"
#include "model/cuda/token_attention_cuda.h"

namespace quadhop::cuda {

// Products go over the token rows of a batch slice by slice. T: the type of their operands. Args:
// LocalForwardArgs or LocalBackwardArgs.
template <typename T, typename Args>
class LocalPass {
 protected:
  LocalPass(Device& device, Products& products, const Args& args)
      : device_(device),
        products_(products),
        args_(args),
        d_(*args.dims),
        w_(*args.weights),
        act_(static_cast<CudaLocalActivations&>(*args.activations)),
        kept_(act_.template operands<T>()),
        operand_(device, d_, w_) {}

  const TokenRows& tokens() const { return act_.tokens.rows(); }

  // The first token row of a node.
  int64_t FirstRow(int64_t node) const {
    return d_.hops_and_self * args_.batch->sampled_offsets[static_cast<size_t>(node)];
  }
  // Calls visit(partition, first token row, number of rows) for each slice.
  template <typename Visit>
  void ForEachSlice(const Visit& visit) const {
    for (int64_t p = 0; p < args_.slices.num_partitions(); ++p) {
      const int64_t begin = FirstRow(args_.slices.begin(p));
      visit(static_cast<size_t>(p), begin, FirstRow(args_.slices.end(p)) - begin);
    }
  }
  // c [rows, n] = a [rows, k] b + beta c; b is transposed if `transposed`.
  template <typename C>
  void Multiply(const T* a, int64_t k, const T* b, bool transposed, int64_t n, C* c, float beta = 0,
                Epilogue epilogue = {}) {
    const Together together(products_);
    ForEachSlice([&](size_t, int64_t begin, int64_t rows) {
      products_.Multiply(rows, n, k, MatrixRef<T>{a + begin * k, k},
                         MatrixRef<T>{b, transposed ? k : n, transposed}, beta,
                         ResultRef<C>{c + begin * n, n}, 1, epilogue);
    });
  }

  // Token attention with q, z, p and y of the forward pass.
  TokenAttention<T> Attention() const {
    TokenAttention<T> attention{};
    attention.tokens = tokens();
    attention.token_limit = static_cast<int>(d_.hops_and_self * d_.sampled);
    attention.heads = static_cast<int>(d_.heads);
    attention.width = static_cast<int>(d_.width);
    attention.q = kept_.q.data();
    attention.z = kept_.z.data();
    attention.y = kept_.y.data();
    attention.p = kept_.p.data();
    return attention;
  }
  // z = layer_norm(u).
  LayerNormRows<T> Normalised() const {
    return {tokens().rows,     d_.width,       kept_.u.data(),     w_.z_scale.data(),
            w_.z_shift.data(), kept_.z.data(), act_.u_mean.data(), act_.u_inv_std.data()};
  }
  ReadoutRows<T> Readings() const {
    return {tokens(),          d_.wide(),        kept_.t_hat.data(), w_.t_scale.data(),
            w_.t_shift.data(), w_.w_read.data(), act_.alpha.data(),  act_.summary.data()};
  }

  Device& device_;
  Products& products_;
  const Args& args_;
  const LargeGTDims& d_;
  const LocalWeights& w_;
  CudaLocalActivations& act_;
  LocalOperands<T>& kept_;
  const OperandWeights<T> operand_;
};

}  // namespace quadhop::cuda
