#include "tests/golden/golden_reference.h"

#include <absl/strings/str_cat.h>

#include <utility>

#include "core/base/status.h"
#include "tests/reference/adam.h"
#include "tests/reference/largegt.h"
#include "tests/reference/losses.h"
#include "tests/reference/shapes.h"

namespace quadhop::golden {
namespace {

constexpr char kCodes[] = "convs.0.c_idx";

reference::ModelOptions OptionsOf(const GoldenCase& golden) {
  using reference::Conv;
  using reference::NormKind;
  reference::ModelOptions options;
  options.conv = golden.conv == "full"     ? Conv::kFull
                 : golden.conv == "local"  ? Conv::kLocal
                 : golden.conv == "global" ? Conv::kGlobal
                                           : Conv::kNone;
  options.norm = golden.norm == "batch_norm"   ? NormKind::kBatch
                 : golden.norm == "layer_norm" ? NormKind::kLayer
                                               : NormKind::kNone;
  options.heads = static_cast<size_t>(golden.heads);
  options.ema_decay = golden.ema_decay;
  return options;
}

// The values rounded or widened to T.
template <typename T, typename From>
std::vector<T> To(const std::vector<From>& values) {
  std::vector<T> converted;
  for (const From value : values) converted.push_back(static_cast<T>(value));
  return converted;
}

bool HasCodebook(const GoldenCase& golden) {
  return golden.conv == "full" || golden.conv == "global";
}

template <typename T>
absl::StatusOr<reference::LargeGT<T>> MakeModel(const GoldenCase& golden) {
  const reference::ModelOptions options = OptionsOf(golden);
  const reference::ModelDims dims = {.features = static_cast<size_t>(golden.features),
                                     .width = static_cast<size_t>(golden.width),
                                     .classes = static_cast<size_t>(golden.classes),
                                     .pe_width = static_cast<size_t>(golden.pe_width),
                                     .centroids = static_cast<size_t>(golden.centroids)};
  reference::Arrays<T> state;
  for (const auto& [name, shape] : StateShapes(options, dims)) {
    const auto found = golden.state_before.find(name);
    if (found == golden.state_before.end() ||
        std::vector<size_t>(found->second.dims.begin(), found->second.dims.end()) != shape)
      return absl::InvalidArgumentError(absl::StrCat(
          golden.path, ": 'state0.", name, "' is missing or of other dims than the metadata say"));
    state[name] = {shape, To<T>(found->second.values)};
  }
  std::vector<size_t> codes;
  if (HasCodebook(golden)) {
    const auto found = golden.state_before.find(kCodes);
    if (found == golden.state_before.end())
      return absl::InvalidArgumentError(absl::StrCat(golden.path, ": no 'state0.", kCodes, "'"));
    for (const double code : found->second.values) codes.push_back(static_cast<size_t>(code));
  }
  return reference::LargeGT<T>(options, std::move(state), std::move(codes));
}

// Rows `nodes` of x [N, width].
std::vector<double> Rows(const std::vector<double>& x, int64_t width,
                         const std::vector<int64_t>& nodes) {
  std::vector<double> rows;
  for (const int64_t v : nodes)
    rows.insert(rows.end(), x.begin() + v * width, x.begin() + (v + 1) * width);
  return rows;
}

template <typename T>
reference::Inputs<T> InputsOf(const GoldenCase& golden, const std::vector<int64_t>& batch) {
  reference::Inputs<T> in;
  in.tokens_per_node = 3 * static_cast<size_t>(golden.sampled);
  in.tokens = To<T>(golden.Tokens(batch));
  in.x = To<T>(Rows(golden.x, golden.features, batch));
  in.pe = To<T>(Rows(golden.pos_enc, golden.pe_width, batch));
  in.nodes.assign(batch.begin(), batch.end());
  return in;
}

template <typename T>
Arrays Copy(const reference::Arrays<T>& arrays) {
  Arrays copy;
  for (const auto& [name, array] : arrays)
    copy[name] = {{array.dims.begin(), array.dims.end()}, To<double>(array.values)};
  return copy;
}

template <typename T>
absl::StatusOr<GoldenOutcome> Run(const GoldenCase& golden) {
  QH_ASSIGN_OR_RETURN(reference::LargeGT<T> model, MakeModel<T>(golden));
  const reference::Inputs<T> first = InputsOf<T>(golden, golden.EvaluationBatch());
  GoldenOutcome outcome;
  outcome.eval_before = To<double>(model.Forward(first, {}, reference::Mode::kEvaluation));

  reference::Adam<T> adam({.learning_rate = golden.learning_rate,
                           .beta1 = golden.beta1,
                           .beta2 = golden.beta2,
                           .epsilon = golden.epsilon});
  for (const std::vector<int64_t>& batch : golden.step_batches) {
    std::vector<size_t> labels;
    for (const int64_t v : batch)
      labels.push_back(static_cast<size_t>(golden.labels[static_cast<size_t>(v)]));
    const std::vector<T> logits =
        model.Forward(InputsOf<T>(golden, batch), {}, reference::Mode::kTraining);
    outcome.step_logits.push_back(To<double>(logits));
    const auto loss = reference::CrossEntropy<T>(logits, labels, {});
    outcome.losses.push_back(loss.value);
    const auto gradients = model.Backward(loss.d_logits).parameters;
    if (outcome.losses.size() == 1) outcome.gradients = Copy(gradients);
    adam.Step(model.state(), gradients);
  }
  outcome.state_after = Copy(model.state());
  if (HasCodebook(golden))
    outcome.state_after[kCodes] = {{golden.nodes}, {model.codes().begin(), model.codes().end()}};
  outcome.eval_after = To<double>(model.Forward(first, {}, reference::Mode::kEvaluation));
  return outcome;
}

}  // namespace

absl::StatusOr<GoldenOutcome> RunReference(const GoldenCase& golden) { return Run<double>(golden); }

absl::StatusOr<GoldenOutcome> RunReferenceInFloat(const GoldenCase& golden) {
  return Run<float>(golden);
}

}  // namespace quadhop::golden
