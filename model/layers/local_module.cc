#include "model/layers/local_module.h"

#include <cmath>
#include <string>
#include <vector>

namespace quadhop {
namespace {

const char kIn[] = "fc_in_seq.0";
const char kSecond[] = "fc_in_seq.3";
const char kEmbed[] = "convs.0.local_module.att_embeddings_nope";
const char kNorm[] = "convs.0.local_module.layers.0.self_attention_norm";
const char kAttention[] = "convs.0.local_module.layers.0.self_attention.";
const char kResidual[] = "convs.0.local_module.layers.0.res_proj";
const char kFinalNorm[] = "convs.0.local_module.final_ln";
const char kReadout[] = "convs.0.local_module.attn_layer";

// The paper's parameters of the module, or their gradients, as views.
struct PaperWeights {
  template <typename Get>  // Get(name) -> TensorView<float>
  explicit PaperWeights(const Get& get) {
    const std::string attention = kAttention;
    second = get(std::string(kSecond) + ".weight");
    second_bias = get(std::string(kSecond) + ".bias");
    embed = get(std::string(kEmbed) + ".weight");
    embed_bias = get(std::string(kEmbed) + ".bias");
    q = get(attention + "linear_q.weight");
    q_bias = get(attention + "linear_q.bias");
    k = get(attention + "linear_k.weight");
    k_bias = get(attention + "linear_k.bias");
    v = get(attention + "linear_v.weight");
    v_bias = get(attention + "linear_v.bias");
    out = get(attention + "output_layer.weight");
    out_bias = get(attention + "output_layer.bias");
    readout = get(std::string(kReadout) + ".weight");
    readout_bias = get(std::string(kReadout) + ".bias");
  }
  TensorView<float> second, second_bias;              // [H, H], [H]
  TensorView<float> embed, embed_bias;                // [H, H], [H]
  TensorView<float> q, q_bias, k, k_bias, v, v_bias;  // [h*H, H], [h*H]
  TensorView<float> out, out_bias;                    // [h*H, h*H], [h*H]
  TensorView<float> readout, readout_bias;            // [1, 2*h*H], [1]
};

// Visits the parameters that are the same merged or not: name, and the view in LocalWeights.
template <typename Visit>
void ForEachShared(const LocalWeights& w, const Visit& visit) {
  visit(std::string(kIn) + ".weight", w.w_in);
  visit(std::string(kIn) + ".bias", w.b_in);
  visit(std::string(kNorm) + ".weight", w.z_scale);
  visit(std::string(kNorm) + ".bias", w.z_shift);
  visit(std::string(kResidual) + ".weight", w.w_residual);
  visit(std::string(kResidual) + ".bias", w.b_residual);
  visit(std::string(kFinalNorm) + ".weight", w.t_scale);
  visit(std::string(kFinalNorm) + ".bias", w.t_shift);
}

TensorView<float> AsRow(TensorView<float> v) { return {v.data(), {1, v.size()}}; }
TensorView<float> AsColumn(TensorView<float> v) { return {v.data(), {v.size(), 1}}; }

// Gradients of the paper's weights as products of those of the merged ones.
struct ChainRule {
  std::vector<ProductArgs> products;
  std::vector<ProductArgs> added;  // to results of the first
};

// w_embed = embed second; b_embed = second_bias embed^T + embed_bias;
// b_out = out_bias + v_bias out^T, whose part of the output map is added head by head.
void AddBetweenMaps(const PaperWeights& w, const PaperWeights& g, const LocalWeights& gradients,
                    ChainRule* chain) {
  const TensorView<float> d_b_embed = gradients.b_embed;
  chain->products.insert(
      chain->products.end(),
      {{.transpose_b = true, .a = gradients.w_embed, .b = w.second, .c = g.embed},
       {.transpose_a = true, .a = w.embed, .b = gradients.w_embed, .c = g.second},
       {.a = AsRow(d_b_embed), .b = w.embed, .c = AsRow(g.second_bias)},
       {.a = AsRow(gradients.b_out), .b = w.out, .c = AsRow(g.v_bias)}});
  chain->added.push_back({.transpose_a = true,
                          .a = AsRow(d_b_embed),
                          .b = AsRow(w.second_bias),
                          .beta = 1,
                          .c = g.embed});
}

// Of the head that has these rows of q, k and v: m = scale q^T k; c = scale q_bias k;
// n = v^T out_h^T, out_h being the head's columns of the output map.
void AddHead(const PaperWeights& w, const PaperWeights& g, const LocalWeights& gradients,
             BlockRange head, ChainRule* chain) {
  const auto [begin, end] = head;
  const int64_t width = end - begin;
  const float scale = 1.0f / std::sqrt(static_cast<float>(width));
  const TensorView<float> q = w.q.Rows(begin, end), k = w.k.Rows(begin, end);
  const ColumnsView<float> d_m(gradients.m, begin, width);
  const TensorView<float> d_c = gradients.c.Rows(begin, end), d_k = g.k.Rows(begin, end);
  const TensorView<float> d_n = gradients.n.Rows(begin, end);  // [H, h*H]
  const ColumnsView<float> out(w.out, begin, width), d_out(g.out, begin, width);
  chain->products.insert(
      chain->products.end(),
      {{.transpose_b = true, .alpha = scale, .a = k, .b = d_m, .c = g.q.Rows(begin, end)},
       {.alpha = scale, .a = q, .b = d_m, .c = d_k},
       {.transpose_b = true,
        .alpha = scale,
        .a = k,
        .b = AsRow(d_c),
        .c = AsColumn(g.q_bias.Rows(begin, end))},
       {.transpose_a = true, .transpose_b = true, .a = out, .b = d_n, .c = g.v.Rows(begin, end)},
       {.transpose_a = true,
        .transpose_b = true,
        .a = d_n,
        .b = w.v.Rows(begin, end),
        .c = d_out}});
  chain->added.insert(chain->added.end(), {{.transpose_a = true,
                                            .alpha = scale,
                                            .a = AsRow(w.q_bias.Rows(begin, end)),
                                            .b = AsRow(d_c),
                                            .beta = 1,
                                            .c = d_k},
                                           {.transpose_a = true,
                                            .a = AsRow(gradients.b_out),
                                            .b = AsRow(w.v_bias.Rows(begin, end)),
                                            .beta = 1,
                                            .c = d_out}});
}

// Gradients that are exactly zero. The last norm's shift adds the same to every node, which a batch
// norm removes again; the keys' bias shifts every score of a row alike, and so do the readout's own
// half and its bias.
void ZeroWhatCancels(Memory& memory, NormKind norm, const PaperWeights& g,
                     ParameterSet& parameters) {
  const auto zero = [&](TensorView<float> gradient) {
    memory.Zero(gradient.data(), BytesOf(gradient));
  };
  if (norm == NormKind::kBatch) zero(parameters.gradient(std::string(kFinalNorm) + ".bias"));
  zero(g.k_bias);
  zero(g.readout_bias);
  zero(g.readout);
}

}  // namespace

LocalModule::LocalModule(const LargeGTOptions& options, int64_t num_owned_partitions,
                         Memory& memory)
    : options_(options) {
  const int64_t n = LocalWeights::NumFloats(options.dims);
  merged_.Resize(memory, {n});
  summed_.Resize(memory, {n});
  summands_.Resize(memory, {num_owned_partitions, n});
  if (!memory.status().ok()) return;  // no step will be made
  for (const TensorView<float> array : {merged_.view(), summands_.view()})
    memory.Zero(array.data(), BytesOf(array));  // gaps are summed and rounded, too
  weights_ = LocalWeights(options.dims, merged_.data());
  gradients_ = LocalWeights(options.dims, summed_.data());
}

void LocalModule::Merge(Kernels& kernels, ParameterSet& parameters) {
  Memory& memory = kernels.memory();
  const PaperWeights w([&](const std::string& name) { return parameters.value(name); });
  ForEachShared(weights_, [&](const std::string& name, TensorView<float> view) {
    CopyValues<float>(memory, parameters.value(name), view);
  });
  CopyValues<float>(memory, w.embed_bias, weights_.b_embed);
  CopyValues<float>(memory, w.out_bias, weights_.b_out);
  const int64_t width = options_.dims.width, wide = options_.dims.wide();
  const float scale = 1.0f / std::sqrt(static_cast<float>(width));
  std::vector<ProductArgs> products = {{.a = w.embed, .b = w.second, .c = weights_.w_embed},
                                       {.transpose_b = true,
                                        .a = AsRow(w.second_bias),
                                        .b = w.embed,
                                        .beta = 1,
                                        .c = AsRow(weights_.b_embed)},
                                       {.transpose_b = true,
                                        .a = AsRow(w.v_bias),
                                        .b = w.out,
                                        .beta = 1,
                                        .c = AsRow(weights_.b_out)}};
  for (int64_t h = 0; h < options_.dims.heads; ++h) {
    const int64_t begin = h * width, end = begin + width;
    const TensorView<float> q = w.q.Rows(begin, end), k = w.k.Rows(begin, end);
    products.push_back({.transpose_a = true,
                        .alpha = scale,
                        .a = q,
                        .b = k,
                        .c = ColumnsView(weights_.m, begin, width)});
    products.push_back({.alpha = scale,
                        .a = AsRow(w.q_bias.Rows(begin, end)),
                        .b = k,
                        .c = AsRow(weights_.c.Rows(begin, end))});
    products.push_back({.transpose_a = true,
                        .transpose_b = true,
                        .a = w.v.Rows(begin, end),
                        .b = ColumnsView(w.out, begin, width),
                        .c = weights_.n.Rows(begin, end)});
  }
  kernels.Multiply(products);
  CopyColumns<float>(memory, w.readout, wide, wide, AsRow(weights_.w_read), 0);
}

void LocalModule::ApplyChainRule(Kernels& kernels, ParameterSet& parameters) {
  Memory& memory = kernels.memory();
  const PaperWeights w([&](const std::string& name) { return parameters.value(name); });
  const PaperWeights g([&](const std::string& name) { return parameters.gradient(name); });
  ForEachShared(gradients_, [&](const std::string& name, TensorView<float> view) {
    CopyValues<float>(memory, view, parameters.gradient(name));
  });
  CopyValues<float>(memory, gradients_.b_embed, g.embed_bias);
  CopyValues<float>(memory, gradients_.b_out, g.out_bias);
  ChainRule chain;
  AddBetweenMaps(w, g, gradients_, &chain);
  for (int64_t h = 0; h < options_.dims.heads; ++h)
    AddHead(w, g, gradients_, {h * options_.dims.width, (h + 1) * options_.dims.width}, &chain);
  kernels.Multiply(chain.products);
  kernels.Multiply(chain.added);
  const int64_t wide = options_.dims.wide();
  ZeroWhatCancels(memory, options_.norm, g, parameters);
  CopyColumns<float>(memory, AsRow(gradients_.w_read), 0, wide, g.readout, wide);
}

void LocalModule::Forward(const Step& step, TensorView<float> y) {
  Merge(step.kernels, step.parameters);
  if (activations_ == nullptr) activations_ = step.kernels.MakeLocalActivations();
  LocalForwardArgs args;
  args.dims = &options_.dims;
  args.precision = options_.precision;
  args.slices = step.slices();
  args.weights = &weights_;
  args.batch = &step.batch;
  args.arrays = &step.arrays;
  args.token_dropout = step.MakeDropout(options_.ff_dropout, RandomPurpose::kTokenDropout);
  args.attention_dropout =
      step.MakeDropout(options_.local_dropout, RandomPurpose::kAttentionOutDropout);
  args.residual_dropout = step.MakeDropout(options_.local_dropout, RandomPurpose::kResidualDropout);
  args.activations = activations_.get();
  args.y = y;
  step.kernels.LocalForward(args);
}

void LocalModule::Backward(const Step& step, TensorView<const float> d_y) {
  LocalBackwardArgs args;
  args.dims = &options_.dims;
  args.precision = options_.precision;
  args.slices = step.slices();
  args.weights = &weights_;
  args.batch = &step.batch;
  args.arrays = &step.arrays;
  args.token_dropout = options_.ff_dropout;
  args.attention_dropout = options_.local_dropout;
  args.residual_dropout = options_.local_dropout;
  args.activations = activations_.get();
  args.d_y = d_y;
  args.d_weights = summands_.view();
  step.kernels.LocalBackward(args);
}

}  // namespace quadhop
