#include "model/parameters/parameters.h"

#include <cmath>

#include "core/base/check.h"
#include "core/base/rng.h"
#include "core/files/checksum.h"
#include "core/threads/thread_pool.h"

namespace quadhop {
namespace {

constexpr int64_t kFloatsOfALine = 16;  // 64 bytes

// Collects the parameters in the order of the paper's state dict.
class Lister {
 public:
  explicit Lister(const LargeGTOptions& options) : options_(options) {}

  std::vector<Parameter> List() {
    const LargeGTDims& d = options_.dims;
    const GradientGroup input = options_.has_input() ? GradientGroup::kInput : kUnused;
    const GradientGroup second = options_.has_input() ? GradientGroup::kGlobal : kUnused;
    const GradientGroup local = options_.has_local() ? GradientGroup::kLocal : kUnused;
    const LayerNames names(options_.norm);
    Linear(names.in_first, d.features, d.width, input);
    Norm(names.in_norm, d.width, input);
    Linear(names.in_second, d.width, d.width, second);
    if (options_.conv != Conv::kNone) {
      Linear("fc_in_seq.0", d.token_columns(), d.width, local);
      Linear("fc_in_seq.3", d.width, d.width, local);
      Convolution(local);
    }
    Linear(names.head_first, options_.head_inputs(), d.wide(), GradientGroup::kHead);
    Norm(names.head_first_norm, d.wide(), GradientGroup::kHead);
    Linear(names.head_second, d.wide(), d.width, GradientGroup::kHead);
    Norm(names.head_second_norm, d.width, GradientGroup::kHead);
    Linear(names.out, d.width, d.classes, GradientGroup::kHead);
    return std::move(list_);
  }

 private:
  static constexpr GradientGroup kUnused = GradientGroup::kUnused;

  void Convolution(GradientGroup local) {
    const LargeGTDims& d = options_.dims;
    for (const char* name : {"lin_key", "lin_query", "lin_value", "lin_skip"})
      Linear(std::string("convs.0.") + name, d.width, d.wide(), kUnused);
    const std::string module = "convs.0.local_module.", encoder = module + "layers.0.";
    NormalLinear(module + "att_embeddings_nope", d.width, d.width, local);
    LayerNorm(encoder + "self_attention_norm", d.width, local);
    for (const char* name : {"linear_q", "linear_k", "linear_v"})
      NormalLinear(encoder + "self_attention." + name, d.width, d.wide(), local);
    NormalLinear(encoder + "self_attention.output_layer", d.wide(), d.wide(), local);
    NormalLinear(encoder + "res_proj", d.width, d.wide(), local);
    LayerNorm(module + "final_ln", d.wide(), local);
    NormalLinear(module + "out_proj", 2 * d.width, d.width, kUnused);
    NormalLinear(module + "attn_layer", 2 * d.wide(), 1, local);
    if (!options_.has_global()) return;
    Linear("convs.0.lin_proj_g", d.width, d.pos_enc, GradientGroup::kGlobal);
    Linear("convs.0.lin_key_g", d.query(), d.wide(), GradientGroup::kGlobal);
    Linear("convs.0.lin_query_g", d.query(), d.wide(), GradientGroup::kGlobal);
    Linear("convs.0.lin_value_g", d.pos_enc, d.wide(), GradientGroup::kGlobal);
  }

  void Linear(absl::string_view name, int64_t inputs, int64_t outputs, GradientGroup group) {
    Map(name, inputs, outputs, group, Initial::kUniformByInputs, Initial::kUniformByInputs);
  }
  void NormalLinear(absl::string_view name, int64_t inputs, int64_t outputs, GradientGroup group) {
    Map(name, inputs, outputs, group, Initial::kNormal, Initial::kZero);
  }
  void Map(absl::string_view name, int64_t inputs, int64_t outputs, GradientGroup group,
           Initial weight, Initial bias) {
    Append(name, ".weight", {outputs, inputs}, group, weight, inputs);
    Append(name, ".bias", {outputs}, group, bias, inputs);
  }
  void Norm(absl::string_view name, int64_t width, GradientGroup group) {
    if (options_.norm != NormKind::kNone) LayerNorm(name, width, group);
  }
  void LayerNorm(absl::string_view name, int64_t width, GradientGroup group) {
    Append(name, ".weight", {width}, group, Initial::kOne, width);
    Append(name, ".bias", {width}, group, Initial::kZero, width);
  }
  void Append(absl::string_view name, const char* suffix, std::vector<int64_t> dims,
              GradientGroup group, Initial initial, int64_t inputs) {
    int64_t size = 1;
    for (int64_t dim : dims) size *= dim;
    list_.push_back({std::string(name) + suffix, std::move(dims), group, initial, inputs, 0, size});
  }

  const LargeGTOptions& options_;
  std::vector<Parameter> list_;
};

// value [size].
void Initialise(const Parameter& parameter, uint64_t seed, float* value) {
  const uint64_t place = Xxh3(parameter.name.data(), parameter.name.size());
  RandomStream random(seed, RandomPurpose::kWeights, place, 0);
  const double bound = 1.0 / std::sqrt(static_cast<double>(parameter.inputs));
  for (int64_t i = 0; i < parameter.size; ++i) {
    switch (parameter.initial) {
      case Initial::kUniformByInputs:
        value[i] = static_cast<float>((2 * random.Uniform() - 1) * bound);
        break;
      case Initial::kNormal:
        value[i] = static_cast<float>(0.02 * random.Normal());
        break;
      case Initial::kZero:
        value[i] = 0;
        break;
      case Initial::kOne:
        value[i] = 1;
        break;
    }
  }
}

}  // namespace

ParameterSet::ParameterSet(const LargeGTOptions& options, Memory& memory)
    : memory_(memory), parameters_(Lister(options).List()) {
  int64_t offset = 0;
  for (size_t group = 0; group < kNumGradientGroups; ++group) {
    group_begin_[group] = offset;
    for (Parameter& parameter : parameters_) {
      if (static_cast<size_t>(parameter.group) != group) continue;
      parameter.offset = offset;
      offset += NumBlocks(parameter.size, kFloatsOfALine) * kFloatsOfALine;
    }
  }
  group_begin_[kNumGradientGroups] = offset;
  values_.Resize(memory, {offset});
  gradients_.Resize(memory, {trained_size()});
  std::vector<float> values(static_cast<size_t>(offset));
  for (const Parameter& parameter : parameters_)
    Initialise(parameter, options.seed, values.data() + parameter.offset);
  ToArray<float>(memory, values, values_.view());
}

int64_t ParameterSet::NumTrained(const LargeGTOptions& options) {
  int64_t trained = 0;
  for (const Parameter& parameter : Lister(options).List())
    if (parameter.group != GradientGroup::kUnused) trained += parameter.size;
  return trained;
}

const Parameter& ParameterSet::Find(absl::string_view name) const {
  for (const Parameter& parameter : parameters_)
    if (absl::string_view(parameter.name) == name) return parameter;
  internal::CheckFailed(__FILE__, __LINE__, "no parameter named " + std::string(name));
}

TensorView<float> ParameterSet::ViewOf(Array<float>& all, const Parameter& parameter) {
  QH_CHECK_LE(parameter.offset + parameter.size, all.size());
  float* data = all.data() + parameter.offset;
  if (parameter.dims.size() == 1) return {data, {parameter.dims[0]}};
  return {data, {parameter.dims[0], parameter.dims[1]}};
}

int64_t ParameterSet::GroupSize(GradientGroup group) const {
  const size_t g = static_cast<size_t>(group);
  return group_begin_[g + 1] - group_begin_[g];
}

absl::Span<float> ParameterSet::GroupGradients(GradientGroup group) {
  return {gradients_.data() + group_begin_[static_cast<size_t>(group)],
          static_cast<size_t>(GroupSize(group))};
}

GradientSummands::GradientSummands(ParameterSet& parameters, int64_t num_owned_partitions) {
  for (GradientGroup group :
       {GradientGroup::kHead, GradientGroup::kGlobal, GradientGroup::kInput}) {
    groups_[static_cast<size_t>(group)].Resize(parameters.memory(),
                                               {num_owned_partitions, parameters.GroupSize(group)});
    group_begin_[static_cast<size_t>(group)] = parameters.GroupBegin(group);
  }
}

PartitionGradients GradientSummands::Of(const Parameter& parameter) {
  const size_t group = static_cast<size_t>(parameter.group);
  Array<float>& summands = groups_[group];
  return {summands.data() + (parameter.offset - group_begin_[group]), summands.dim(1)};
}

void GradientSummands::Zero(Memory& memory, const Parameter& parameter) {
  const Array<float>& summands = groups_[static_cast<size_t>(parameter.group)];
  memory.ZeroRows(Of(parameter).first, summands.dim(0),
                  static_cast<size_t>(parameter.size) * sizeof(float),
                  static_cast<size_t>(summands.dim(1)) * sizeof(float));
}

absl::Span<float> GradientSummands::Group(GradientGroup group) {
  return groups_[static_cast<size_t>(group)].span();
}

}  // namespace quadhop
