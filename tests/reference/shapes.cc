#include "tests/reference/shapes.h"

namespace quadhop::reference {
namespace {

void AddLinear(ShapeMap& shapes, const std::string& name, size_t in, size_t out) {
  shapes[name + ".weight"] = {out, in};
  shapes[name + ".bias"] = {out};
}

void AddNorm(ShapeMap& shapes, const std::string& name, NormKind kind, size_t width) {
  if (kind == NormKind::kNone) return;
  shapes[name + ".weight"] = {width};
  shapes[name + ".bias"] = {width};
  if (kind != NormKind::kBatch) return;
  shapes[name + ".running_mean"] = {width};
  shapes[name + ".running_var"] = {width};
  shapes[name + ".num_batches_tracked"] = {};
}

void AddLocal(ShapeMap& shapes, size_t width, size_t wide) {
  const std::string name = "convs.0.local_module";
  const std::string layer = name + ".layers.0";
  AddLinear(shapes, name + ".att_embeddings_nope", width, width);
  AddNorm(shapes, layer + ".self_attention_norm", NormKind::kLayer, width);
  for (const char* map : {"linear_q", "linear_k", "linear_v"})
    AddLinear(shapes, layer + ".self_attention." + map, width, wide);
  AddLinear(shapes, layer + ".self_attention.output_layer", wide, wide);
  AddLinear(shapes, layer + ".res_proj", width, wide);
  AddNorm(shapes, name + ".final_ln", NormKind::kLayer, wide);
  AddLinear(shapes, name + ".attn_layer", 2 * wide, 1);
}

void AddGlobal(ShapeMap& shapes, const ModelDims& dims, size_t wide) {
  const std::string name = "convs.0";
  AddLinear(shapes, name + ".lin_proj_g", dims.width, dims.pe_width);
  AddLinear(shapes, name + ".lin_query_g", 2 * dims.pe_width, wide);
  AddLinear(shapes, name + ".lin_key_g", 2 * dims.pe_width, wide);
  AddLinear(shapes, name + ".lin_value_g", dims.pe_width, wide);
  for (const char* buffer : {"_embedding", "_embedding_output", "_ema_w"})
    shapes[name + ".vq." + buffer] = {dims.centroids, 2 * dims.pe_width};
  shapes[name + ".vq._ema_cluster_size"] = {dims.centroids};
  shapes[name + ".vq.bn.running_mean"] = {2 * dims.pe_width};
  shapes[name + ".vq.bn.running_var"] = {2 * dims.pe_width};
  shapes[name + ".vq.bn.num_batches_tracked"] = {};
}

}  // namespace

ShapeMap StateShapes(const ModelOptions& options, const ModelDims& dims) {
  const size_t wide = options.heads * dims.width;
  const size_t after = IndexAfterBlock(options.norm);
  ShapeMap shapes;
  if (options.conv != Conv::kLocal) {
    AddLinear(shapes, "fc_in.0", dims.features, dims.width);
    AddNorm(shapes, "fc_in.1", options.norm, dims.width);
    AddLinear(shapes, "fc_in." + std::to_string(after), dims.width, dims.width);
  }
  if (options.conv == Conv::kFull || options.conv == Conv::kLocal) {
    AddLinear(shapes, "fc_in_seq.0", dims.features, dims.width);
    AddLinear(shapes, "fc_in_seq.3", dims.width, dims.width);
    AddLocal(shapes, dims.width, wide);
  }
  if (options.conv == Conv::kFull || options.conv == Conv::kGlobal) AddGlobal(shapes, dims, wide);
  const size_t conv_out = options.conv == Conv::kFull   ? 2 * wide
                          : options.conv == Conv::kNone ? dims.width
                                                        : wide;
  AddLinear(shapes, "ffs.0.0", conv_out, wide);
  AddNorm(shapes, "ffs.0.1", options.norm, wide);
  AddLinear(shapes, "ffs.0." + std::to_string(after), wide, dims.width);
  AddNorm(shapes, "ffs.0." + std::to_string(after + 1), options.norm, dims.width);
  AddLinear(shapes, "fc_out", dims.width, dims.classes);
  return shapes;
}

bool IsBuffer(const std::string& name) {
  return name.find(".running_") != std::string::npos ||
         name.find(".num_batches_tracked") != std::string::npos ||
         name.find(".vq.") != std::string::npos;
}

}  // namespace quadhop::reference
