#include "model/layers/global_module.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace quadhop {
namespace {

const char kKey[] = "convs.0.lin_key_g";
const char kValue[] = "convs.0.lin_value_g";

}  // namespace

GlobalModule::GlobalModule(const LargeGTOptions& options, Codebook codebook, Memory& memory)
    : options_(options), codebook_(std::move(codebook)) {
  const LargeGTDims& d = options.dims;
  book_values_.Resize(memory, {d.centroids, d.pos_enc});
  key_.Resize(memory, {d.centroids, d.wide()});
  value_.Resize(memory, {d.centroids, d.wide()});
}

void GlobalModule::KeysAndValues(const Step& step) {
  const LargeGTDims& d = options_.dims;
  const TensorView<const float> book = codebook_.output();
  CopyColumns(step.memory(), book, 0, d.pos_enc, book_values_.view(), 0);
  const int64_t all[] = {0, d.centroids};
  const auto map = [&](const std::string& name, TensorView<const float> x, TensorView<float> y) {
    step.kernels.Linear({{all},
                         x,
                         step.parameters.value(name + ".weight"),
                         step.parameters.value(name + ".bias"),
                         y});
  };
  map(kKey, book, key_.view());
  map(kValue, book_values_.cview(), value_.view());
}

void GlobalModule::Forward(const Step& step, TensorView<const float> x, TensorView<float> y) {
  const LargeGTDims& d = options_.dims;
  const int64_t rows = step.rows();
  projected_.Resize(step.memory(), {rows, d.pos_enc});
  query_in_.Resize(step.memory(), {rows, d.query()});
  query_.Resize(step.memory(), {rows, d.wide()});
  probability_.Resize(step.memory(), {rows, d.heads, d.centroids});
  KeysAndValues(step);
  project_.Forward(step, x, projected_.view());
  CopyColumns(step.memory(), projected_.cview(), 0, d.pos_enc, query_in_.view(), 0);
  CopyColumns(step.memory(), step.arrays.pos_enc(), 0, d.pos_enc, query_in_.view(), d.pos_enc);
  if (step.training) codebook_.StartUpdate(step, query_in_.cview());
  to_query_.Forward(step, query_in_.cview(), query_.view());
  CodebookAttentionArgs args;
  args.slices = step.slices();
  args.heads = d.heads;
  args.query = query_.cview();
  args.key = key_.cview();
  args.value = value_.cview();
  args.log_count = codebook_.log_count();
  args.dropout =
      step.MakeDropout(options_.attention_dropout, RandomPurpose::kGlobalAttentionDropout);
  args.probability = probability_.view();
  if (args.dropout.probability > 0) {
    kept_.Resize(step.memory(), {rows, d.heads, d.centroids});
    args.kept = kept_.view();
  }
  args.y = y;
  step.kernels.CodebookAttention(args);
}

// Backward through the map of keys or values, which takes the same codebook rows for every
// partition: the gradient of its output is alpha * left^T right, over the nodes of a partition.
// bias_cancels: the bias adds the same to whatever is compared, so that its gradient is exactly
// zero.
void GlobalModule::MapBackward(const Step& step, const std::string& name,
                               TensorView<const float> book, float alpha,
                               TensorView<const float> left, TensorView<const float> right,
                               bool bias_cancels) {
  const Slices slices = step.slices();
  const int64_t all[] = {0, options_.dims.centroids};
  const Parameter& weight = step.parameters.Find(name + ".weight");
  const Parameter& bias = step.parameters.Find(name + ".bias");
  const PartitionGradients d_weight = step.gradients.Of(weight);
  const PartitionGradients d_bias = bias_cancels ? PartitionGradients{} : step.gradients.Of(bias);
  if (bias_cancels) step.gradients.Zero(step.memory(), bias);
  d_book_map_.Resize(step.memory(), {options_.dims.centroids, options_.dims.wide()});
  for (int64_t p = 0; p < step.num_owned(); ++p) {
    step.kernels.CodebookOuterSum({options_.dims.heads, alpha,
                                   left.Rows(slices.begin(p), slices.end(p)),
                                   right.Rows(slices.begin(p), slices.end(p)), d_book_map_.view()});
    step.kernels.LinearBackward({{all},
                                 book,
                                 step.parameters.value(weight),
                                 d_book_map_.cview(),
                                 {},
                                 {d_weight.of(p), d_weight.stride},
                                 {d_bias.of(p), d_bias.stride}});
  }
}

// Before the call probability_ holds probabilities, after it the gradients of scores.
void GlobalModule::AttentionBackward(const Step& step, TensorView<const float> d_y,
                                     TensorView<float> d_query) {
  CodebookAttentionBackwardArgs args;
  args.slices = step.slices();
  args.heads = options_.dims.heads;
  args.key = key_.cview();
  args.value = value_.cview();
  args.dropout =
      step.MakeDropout(options_.attention_dropout, RandomPurpose::kGlobalAttentionDropout);
  args.probability = probability_.view();
  if (args.dropout.probability > 0) args.kept = kept_.cview();
  args.d_y = d_y;
  args.d_query = d_query;
  step.kernels.CodebookAttentionBackward(args);
}

void GlobalModule::Backward(const Step& step, TensorView<const float> x,
                            TensorView<const float> d_y, TensorView<float> d_x) {
  const LargeGTDims& d = options_.dims;
  const int64_t rows = step.rows();
  d_query_.Resize(step.memory(), {rows, d.wide()});
  d_query_in_.Resize(step.memory(), {rows, d.query()});
  d_projected_.Resize(step.memory(), {rows, d.pos_enc});
  const bool drop = step.training && options_.attention_dropout > 0;
  // Probabilities sum to 1, so the values' bias adds the same to every node, which a batch norm
  // removes again.
  MapBackward(step, kValue, book_values_.cview(), 1, drop ? kept_.cview() : probability_.cview(),
              d_y, options_.norm == NormKind::kBatch && options_.attention_dropout == 0);
  AttentionBackward(step, d_y, d_query_.view());
  const float scale = 1.0f / std::sqrt(static_cast<float>(d.width));
  // The keys' bias shifts all scores of a node alike.
  MapBackward(step, kKey, codebook_.output(), scale, probability_.cview(), query_.cview(),
              /*bias_cancels=*/true);

  to_query_.Backward(step, query_in_.cview(), d_query_.cview(), d_query_in_.view());
  CopyColumns(step.memory(), d_query_in_.cview(), 0, d.pos_enc, d_projected_.view(), 0);
  project_.Backward(step, x, d_projected_.cview(), d_x);
}

absl::Status GlobalModule::AssignCodebook(const Step& step) {
  return codebook_.Assign(step, query_in_.cview());
}

void GlobalModule::MoveCodebook(const Step& step) { codebook_.Move(step); }

}  // namespace quadhop
