// LargeGT ("Graph Transformers for Large Graphs", arXiv 2312.11109), whole: forward in training and
// evaluation, backward by hand.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "tests/reference/block.h"
#include "tests/reference/codebook.h"
#include "tests/reference/global_attention.h"
#include "tests/reference/local_module.h"

namespace quadhop::reference {

enum class Conv { kFull, kLocal, kGlobal, kNone };

struct ModelOptions {
  Conv conv = Conv::kFull;
  NormKind norm = NormKind::kBatch;
  size_t heads = 2;
  double ema_decay = 0.99;
};

template <typename T>
struct Inputs {
  size_t tokens_per_node = 0;  // S
  Values<T> tokens;            // [B, S, F]; for kFull and kLocal
  Values<T> x;                 // [B, F]; not for kLocal
  Values<T> own;               // [B, (1+hops)*F]: what the head takes besides; or empty
  Values<T> pe;                // [B, G]; for kFull and kGlobal
  std::vector<size_t> nodes;   // [B]: where the codes of these nodes stand
};

// Multipliers of every dropout, 0 or 1/keep; an empty one drops nothing.
template <typename T>
struct DropoutMasks {
  Values<T> input;                // [B, H]: behind the ReLU of fc_in
  Values<T> tokens;               // [B, S, H]: behind the ReLU of fc_in_seq
  Values<T> attention_out;        // [B, S, hH]: drop_attention
  Values<T> residual;             // [B, S, hH]: drop_sum
  Values<T> global_attention;     // [B, h, M]
  Values<T> first_feed_forward;   // [B, hH]
  Values<T> second_feed_forward;  // [B, H]
};

// Copies hold their own state. Backward belongs to the last Forward.
template <typename T>
class LargeGT {
 public:
  // `state` holds parameters and buffers under the names of the paper's code (see shapes.h), but
  // for c_idx, which is `codes` [N], values in [0, M); empty without a codebook.
  LargeGT(const ModelOptions& options, Arrays<T> state, std::vector<size_t> codes)
      : options_(options),
        state_(std::move(state)),
        codes_(std::move(codes)),
        input_block_("fc_in", 0, options.norm),
        input_out_("fc_in." + std::to_string(IndexAfterBlock(options.norm))),
        token_block_("fc_in_seq", 0, NormKind::kNone),
        token_out_("fc_in_seq.3"),
        local_("convs.0.local_module", options.heads),
        global_("convs.0", options.heads),
        first_("ffs.0", 0, options.norm),
        second_("ffs.0", IndexAfterBlock(options.norm), options.norm),
        output_("fc_out") {}

  // Logits [B, C]. Training uses the moments of the batch, and moves running moments, codebook and
  // codes after use; evaluation changes nothing.
  Values<T> Forward(const Inputs<T>& in, const DropoutMasks<T>& masks, Mode mode) {
    const size_t width = Get(state_, "fc_out.weight").dims[1];
    Values<T> local, global;
    if (has_local()) {
      const Values<T> e = token_block_.Forward(state_, in.tokens, masks.tokens, mode);
      local = local_.Forward(state_, token_out_.Forward(state_, e), in.tokens_per_node, width,
                             masks.attention_out, masks.residual);
    }
    Values<T> x;
    if (options_.conv != Conv::kLocal)
      x = input_out_.Forward(state_, input_block_.Forward(state_, in.x, masks.input, mode));
    if (has_global()) {
      global = global_.Forward(state_, x, in.pe, Counts(), masks.global_attention);
      if (mode == Mode::kTraining) MoveCodebook(in.nodes);
    }
    Values<T> y;
    switch (options_.conv) {
      case Conv::kFull:
        y = JoinColumns(local, options_.heads * width, global, options_.heads * width);
        break;
      case Conv::kLocal:
        y = local;
        break;
      case Conv::kGlobal:
        y = global;
        break;
      case Conv::kNone:
        y = x;
        break;
    }
    own_columns_ = Get(state_, "ffs.0.0.weight").dims[1] - ModuleColumns();
    if (own_columns_ > 0) y = JoinColumns(y, ModuleColumns(), in.own, own_columns_);
    y = first_.Forward(state_, y, masks.first_feed_forward, mode);
    y = second_.Forward(state_, y, masks.second_feed_forward, mode);
    return output_.Forward(state_, y);
  }

  struct Gradients {
    Arrays<T> parameters;  // of every parameter in use
    Values<T> tokens;      // [B, S, F] or empty, as the other two
    Values<T> x;           // [B, F]
    Values<T> pe;          // [B, G]
  };
  // The gradients of a loss whose gradient by the logits is d_logits [B, C], for a Forward in
  // training. They are those of the codebook that Forward used, which has moved since.
  Gradients Backward(const Values<T>& d_logits) const {
    Gradients grads;
    Arrays<T>& out = grads.parameters;
    Values<T> d_y = output_.Backward(state_, d_logits, out);
    d_y = first_.Backward(state_, second_.Backward(state_, d_y, out), out);
    if (own_columns_ > 0) d_y = Columns(d_y, ModuleColumns() + own_columns_, 0, ModuleColumns());
    const size_t wide = options_.heads * Get(state_, "fc_out.weight").dims[1];
    const bool is_full = options_.conv == Conv::kFull;
    if (has_local()) {
      const Values<T> d_local = is_full ? Columns(d_y, 2 * wide, 0, wide) : d_y;
      const Values<T> d_e = token_out_.Backward(state_, local_.Backward(state_, d_local, out), out);
      grads.tokens = token_block_.Backward(state_, d_e, out);
    }
    Values<T> d_x = d_y;
    if (has_global()) {
      const Values<T> d_global = is_full ? Columns(d_y, 2 * wide, wide, 2 * wide) : d_y;
      auto d_inputs = global_.Backward(state_, d_global, out);
      d_x = std::move(d_inputs.x);
      grads.pe = std::move(d_inputs.pe);
    }
    if (options_.conv != Conv::kLocal)
      grads.x = input_block_.Backward(state_, input_out_.Backward(state_, d_x, out), out);
    return grads;
  }

  Arrays<T>& state() { return state_; }
  const Arrays<T>& state() const { return state_; }
  const std::vector<size_t>& codes() const { return codes_; }  // [N]

 private:
  bool has_local() const { return options_.conv == Conv::kFull || options_.conv == Conv::kLocal; }
  bool has_global() const { return options_.conv == Conv::kFull || options_.conv == Conv::kGlobal; }

  // Of the head's inputs, those of the modules, or of fc_in.
  size_t ModuleColumns() const {
    const size_t width = Get(state_, "fc_out.weight").dims[1];
    return options_.conv == Conv::kNone ? width
                                        : (has_local() + has_global()) * options_.heads * width;
  }

  // Nodes per centroid [M].
  Values<T> Counts() const {
    Values<T> counts(Get(state_, "convs.0.vq._embedding").dims[0], T{0});
    for (const size_t code : codes_) counts[code] += T{1};
    return counts;
  }

  void MoveCodebook(const std::vector<size_t>& nodes) {
    const std::vector<size_t> nearest =
        UpdateCodebook(state_, "convs.0.vq", global_.codebook_query(), options_.ema_decay);
    for (size_t b = 0; b < nodes.size(); ++b) codes_[nodes[b]] = nearest[b];
  }

  ModelOptions options_;
  Arrays<T> state_;
  std::vector<size_t> codes_;  // [N]
  size_t own_columns_ = 0;
  Block<T> input_block_;
  Linear<T> input_out_;
  Block<T> token_block_;
  Linear<T> token_out_;
  LocalModule<T> local_;
  GlobalAttention<T> global_;
  Block<T> first_, second_;
  Linear<T> output_;
};

}  // namespace quadhop::reference
