#include "tests/golden/golden_case.h"

#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_join.h>
#include <absl/strings/strip.h>

#include <algorithm>
#include <utility>

#include "core/base/status.h"
#include "model/checkpoint/safetensors.h"

namespace quadhop::golden {
namespace {

constexpr int64_t kMaxCount = 1'000'000;  // of any dim: keeps products of two within 64 bits

using Dims = std::vector<int64_t>;

absl::StatusOr<std::string> Setting(const SafetensorsFile& file, const std::string& name) {
  const auto found = file.metadata().find(name);
  if (found == file.metadata().end())
    return absl::InvalidArgumentError(absl::StrCat("__metadata__ has no '", name, "'"));
  return found->second;
}

absl::Status ReadChoice(const SafetensorsFile& file, const std::string& name,
                        const std::vector<std::string>& allowed, std::string* value) {
  QH_ASSIGN_OR_RETURN(*value, Setting(file, name));
  if (std::find(allowed.begin(), allowed.end(), *value) != allowed.end()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("__metadata__ '", name, "' is '", *value,
                                                 "', not one of ", absl::StrJoin(allowed, ", ")));
}

absl::Status ReadCount(const SafetensorsFile& file, const std::string& name, int64_t least,
                       int64_t* value) {
  QH_ASSIGN_OR_RETURN(const std::string text, Setting(file, name));
  if (absl::SimpleAtoi(text, value) && *value >= least && *value <= kMaxCount)
    return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "__metadata__ '", name, "' is '", text, "', not a count in [", least, ", ", kMaxCount, "]"));
}

absl::Status ReadNumber(const SafetensorsFile& file, const std::string& name, double* value) {
  QH_ASSIGN_OR_RETURN(const std::string text, Setting(file, name));
  if (absl::SimpleAtod(text, value)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("__metadata__ '", name, "' is '", text, "', not a number"));
}

absl::Status CheckDims(const SafetensorsFile& file, const std::string& name, const Dims& dims) {
  const SafetensorsEntry* entry = file.Find(name);
  if (entry == nullptr) return absl::InvalidArgumentError(absl::StrCat("no array '", name, "'"));
  if (entry->dims == dims) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("array '", name, "' has dims [",
                                                 absl::StrJoin(entry->dims, ", "), "], not [",
                                                 absl::StrJoin(dims, ", "), "]"));
}

absl::Status ReadValues(const SafetensorsFile& file, const std::string& name, const Dims& dims,
                        std::vector<double>* values) {
  QH_RETURN_IF_ERROR(CheckDims(file, name, dims));
  QH_ASSIGN_OR_RETURN(*values, file.ReadAsDouble(name));
  return absl::OkStatus();
}

// Integers in [0, end).
absl::Status ReadIndices(const SafetensorsFile& file, const std::string& name, const Dims& dims,
                         int64_t end, std::vector<int64_t>* values) {
  QH_RETURN_IF_ERROR(CheckDims(file, name, dims));
  QH_ASSIGN_OR_RETURN(*values, file.ReadAsInt64(name));
  for (const int64_t value : *values)
    if (value < 0 || value >= end)
      return absl::InvalidArgumentError(
          absl::StrCat("array '", name, "' holds ", value, ", not in [0, ", end, ")"));
  return absl::OkStatus();
}

// All arrays whose names begin with `prefix`, under the rest of their names.
absl::StatusOr<Arrays> ReadArrays(const SafetensorsFile& file, const std::string& prefix) {
  Arrays arrays;
  for (const std::string& name : file.names()) {
    absl::string_view rest = name;
    if (!absl::ConsumePrefix(&rest, prefix)) continue;
    QH_ASSIGN_OR_RETURN(std::vector<double> values, file.ReadAsDouble(name));
    arrays.emplace(std::string(rest), Array{file.Find(name)->dims, std::move(values)});
  }
  return arrays;
}

absl::Status ReadSettings(const SafetensorsFile& file, GoldenCase* c) {
  QH_RETURN_IF_ERROR(ReadChoice(file, "conv", {"full", "local", "global", "none"}, &c->conv));
  QH_RETURN_IF_ERROR(ReadChoice(file, "norm", {"batch_norm", "layer_norm", "none"}, &c->norm));
  std::string optimizer;
  QH_RETURN_IF_ERROR(ReadChoice(file, "optimizer", {"adam"}, &optimizer));
  const std::pair<const char*, int64_t*> counts[] = {
      {"nodes", &c->nodes},     {"features", &c->features}, {"width", &c->width},
      {"classes", &c->classes}, {"pe_width", &c->pe_width}, {"centroids", &c->centroids},
      {"heads", &c->heads},     {"sampled", &c->sampled},   {"steps", &c->steps}};
  for (const auto& [name, value] : counts) QH_RETURN_IF_ERROR(ReadCount(file, name, 1, value));
  QH_RETURN_IF_ERROR(ReadCount(file, "batch", 2, &c->batch));  // moments need two nodes
  if (c->batch > c->nodes)
    return absl::InvalidArgumentError(absl::StrCat("__metadata__ 'batch' is ", c->batch,
                                                   ", above the number of nodes, ", c->nodes));
  const std::pair<const char*, double*> numbers[] = {{"lr", &c->learning_rate},
                                                     {"beta1", &c->beta1},
                                                     {"beta2", &c->beta2},
                                                     {"eps", &c->epsilon},
                                                     {"ema_decay", &c->ema_decay}};
  for (const auto& [name, value] : numbers) QH_RETURN_IF_ERROR(ReadNumber(file, name, value));
  return absl::OkStatus();
}

absl::Status ReadInputs(const SafetensorsFile& file, GoldenCase* c) {
  const int64_t n = c->nodes;
  QH_RETURN_IF_ERROR(ReadValues(file, "x", {n, c->features}, &c->x));
  QH_RETURN_IF_ERROR(ReadValues(file, "hop", {n, 2, c->features}, &c->hop));
  QH_RETURN_IF_ERROR(ReadValues(file, "pos_enc", {n, c->pe_width}, &c->pos_enc));
  QH_RETURN_IF_ERROR(ReadIndices(file, "label", {n}, c->classes, &c->labels));
  QH_RETURN_IF_ERROR(ReadIndices(file, "sampled_nodes", {n, c->sampled}, n, &c->sampled_nodes));
  QH_ASSIGN_OR_RETURN(c->state_before, ReadArrays(file, "state0."));
  QH_ASSIGN_OR_RETURN(c->state_after, ReadArrays(file, absl::StrCat("state", c->steps, ".")));
  const std::string codes = "state0.convs.0.c_idx";
  std::vector<int64_t> checked;
  if (file.Contains(codes))
    QH_RETURN_IF_ERROR(ReadIndices(file, codes, {n}, c->centroids, &checked));
  return absl::OkStatus();
}

absl::Status ReadResults(const SafetensorsFile& file, GoldenCase* c) {
  const Dims logits = {c->batch, c->classes};
  QH_RETURN_IF_ERROR(ReadValues(file, "eval_before.logits", logits, &c->eval_before));
  QH_RETURN_IF_ERROR(ReadValues(file, "eval_after.logits", logits, &c->eval_after));
  QH_RETURN_IF_ERROR(ReadValues(file, "losses", {c->steps}, &c->losses));
  for (int64_t s = 0; s < c->steps; ++s) {
    const std::string step = absl::StrCat("step", s);
    QH_RETURN_IF_ERROR(
        ReadIndices(file, step + ".batch", {c->batch}, c->nodes, &c->step_batches.emplace_back()));
    QH_RETURN_IF_ERROR(ReadValues(file, step + ".logits", logits, &c->step_logits.emplace_back()));
  }
  QH_ASSIGN_OR_RETURN(c->gradients, ReadArrays(file, "step0.grad."));
  for (const auto& [name, gradient] : c->gradients)
    QH_RETURN_IF_ERROR(CheckDims(file, "state0." + name, gradient.dims));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<GoldenCase> LoadGoldenCase(const std::string& path) {
  QH_ASSIGN_OR_RETURN(const SafetensorsFile file, SafetensorsFile::Open(path));
  GoldenCase result;
  result.path = path;
  for (const auto read : {ReadSettings, ReadInputs, ReadResults}) {
    const absl::Status status = read(file, &result);
    if (!status.ok()) return Annotate(status, path);
  }
  return result;
}

std::vector<int64_t> GoldenCase::EvaluationBatch() const {
  std::vector<int64_t> first(static_cast<size_t>(batch));
  for (size_t i = 0; i < first.size(); ++i) first[i] = static_cast<int64_t>(i);
  return first;
}

std::vector<double> GoldenCase::Tokens(const std::vector<int64_t>& nodes_of_batch) const {
  std::vector<double> tokens;
  for (const int64_t v : nodes_of_batch)
    for (int64_t k = 0; k < sampled; ++k) {
      const int64_t u = sampled_nodes[static_cast<size_t>(v * sampled + k)];
      const auto own = x.begin() + u * features, far = hop.begin() + u * 2 * features;
      tokens.insert(tokens.end(), own, own + features);
      tokens.insert(tokens.end(), far, far + 2 * features);
    }
  return tokens;
}

}  // namespace quadhop::golden
