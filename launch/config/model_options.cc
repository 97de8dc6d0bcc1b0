#include "launch/config/model_options.h"

#include "core/base/status.h"

namespace quadhop {
namespace {

Conv ConvOf(const ModelConfig& config) {
  switch (config.conv()) {
    case ModelConfig::LOCAL:
      return Conv::kLocal;
    case ModelConfig::GLOBAL:
      return Conv::kGlobal;
    case ModelConfig::NONE:
      return Conv::kNone;
    default:
      return Conv::kFull;
  }
}

NormKind NormOf(const ModelConfig& config) {
  switch (config.norm()) {
    case ModelConfig::LAYER_NORM:
      return NormKind::kLayer;
    case ModelConfig::NO_NORM:
      return NormKind::kNone;
    default:
      return NormKind::kBatch;
  }
}

Precision PrecisionOf(const ModelConfig& config) {
  switch (config.precision()) {
    case ModelConfig::BF16:
      return Precision::kBF16;
    case ModelConfig::TF32:
      return Precision::kTF32;
    default:
      return Precision::kF32;
  }
}

}  // namespace

LargeGTOptions ModelOptions(const Config& config, const GraphDims& graph) {
  const ModelConfig& model = config.model();
  LargeGTOptions options;
  options.conv = ConvOf(model);
  options.norm = NormOf(model);
  options.codebook_start =
      model.codebook_start() == ModelConfig::PAPER ? CodebookStart::kPaper : CodebookStart::kData;
  options.loss =
      config.train().loss() == TrainConfig::BINARY ? LossKind::kBinary : LossKind::kCrossEntropy;
  options.dims.features = graph.features;
  options.dims.hops_and_self = graph.hops_and_self;
  options.dims.sampled = options.has_local() ? config.sampler().sampled_nodes() : 0;
  options.dims.pos_enc = options.has_global() ? graph.pos_enc : 0;
  options.dims.width = model.width();
  options.dims.heads = model.heads();
  options.dims.centroids = options.has_global() ? model.centroids() : 0;
  options.dims.classes = graph.classes;
  options.dims.token_marks = options.has_local() && model.token_marks();
  options.dims.head_features = model.head_features();
  options.ff_dropout = model.ff_dropout();
  options.local_dropout = model.local_dropout();
  options.attention_dropout = model.attention_dropout();
  options.precision = PrecisionOf(model);
  options.ema_decay = model.ema_decay();
  options.seed = config.train().seed();
  options.cuda_graphs = model.cuda_graphs();
  return options;
}

absl::StatusOr<LargeGTOptions> ModelOptions(const Config& config, const Store& store,
                                            int64_t classes_to_predict) {
  const ModelConfig& model = config.model();
  const StoreManifest& manifest = store.manifest();
  QH_ASSIGN_OR_RETURN(const FeatureTable features, store.features());
  const LargeGTOptions options = ModelOptions(
      config, GraphDims{features.width, features.hops_and_self, manifest.pos_enc_width(),
                        classes_to_predict > 0 ? classes_to_predict : manifest.classes()});
  if (options.has_global() && manifest.pos_enc_width() == 0)
    return absl::InvalidArgumentError(
        absl::StrCat("model.conv is ", ModelConfig::Conv_Name(model.conv()), ", whose codebook ",
                     "takes positional encodings, but ", store.path(),
                     " has none: run quadhop encode, or set model.conv=LOCAL"));
  if (classes_to_predict == 0 && manifest.multi_label() != (options.loss == LossKind::kBinary))
    return absl::InvalidArgumentError(absl::StrCat(
        "train.loss is ", TrainConfig::Loss_Name(config.train().loss()), ", but the labels of ",
        store.path(), " are ", manifest.multi_label() ? "columns of 0 and 1" : "classes", ": set ",
        "train.loss=", manifest.multi_label() ? "BINARY" : "CROSS_ENTROPY"));
  // A model has weights, and a step logits, for every class.
  if (classes_to_predict == 0 && !manifest.multi_label() && manifest.classes() > store.num_nodes())
    return absl::InvalidArgumentError(absl::StrCat(
        store.path(), " has labels up to class ", manifest.classes() - 1, ", but only ",
        store.num_nodes(), " nodes: number the classes 0, 1, 2, ... and import again"));
  const bool has_roc_auc = manifest.multi_label() || manifest.classes() == 2;
  if (classes_to_predict == 0 && config.train().select_by() == TrainConfig::ROC_AUC && !has_roc_auc)
    return absl::InvalidArgumentError(absl::StrCat(
        "train.select_by is ROC_AUC, which is for two classes or for several labels per node, but ",
        store.path(), " has ", manifest.classes(), " classes: set train.select_by=SHARE_RIGHT"));
  return options;
}

LoaderOptions SamplingOptions(const Config& config) {
  const SamplerConfig& sampler = config.sampler();
  LoaderOptions options;
  options.sampler.sampled_nodes =
      ModelOptions(config, GraphDims()).has_local() ? sampler.sampled_nodes() : 0;
  options.sampler.method = sampler.method() == SamplerConfig::PATHS
                               ? SamplerOptions::Method::kPaths
                               : SamplerOptions::Method::kExact;
  options.sampler.resample = sampler.resample() == SamplerConfig::ONCE
                                 ? SamplerOptions::Resample::kOnce
                                 : SamplerOptions::Resample::kEveryEpoch;
  options.sampler.seed = config.train().seed();
  options.prefetch_steps = sampler.prefetch_steps();
  options.run_nodes = sampler.run_nodes();
  options.sampler_backend =
      sampler.backend() == SamplerConfig::CUDA ? SamplerBackend::kCuda : SamplerBackend::kHost;
  options.device_topology_bytes = sampler.device_topology_bytes();
  options.multiplicities = config.model().multiplicities();
  return options;
}

Reduction ReductionOf(const Config& config) {
  return config.train().reduction() == TrainConfig::FAST ? Reduction::kFast
                                                         : Reduction::kReproducible;
}

}  // namespace quadhop
