#include "launch/session/trainable.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <array>
#include <vector>

#include "core/base/counted.h"
#include "core/base/status.h"
#include "launch/config/config.h"
#include "launch/config/model_options.h"
#include "launch/session/class_weights.h"
#include "sampler/batches/pass.h"

namespace quadhop {
namespace {

// Whether some column of labels (for two classes, one) has both values among the validation nodes.
bool ValidationHasBothLabels(const LoaderInputs& targets) {
  const TensorView<const uint8_t> columns = targets.multi_labels;
  const int64_t num_columns = columns.empty() ? 1 : columns.dim(1);
  std::vector<std::array<bool, 2>> seen(static_cast<size_t>(num_columns));
  for (size_t v = 0; v < targets.split.size(); ++v) {
    if (targets.split[v] != static_cast<uint8_t>(SplitPart::kValid)) continue;
    if (!targets.HasLabel(static_cast<int64_t>(v))) continue;
    for (int64_t c = 0; c < num_columns; ++c) {
      const int64_t label = columns.empty() ? int64_t{targets.labels[v]}
                                            : int64_t{columns.row(static_cast<int64_t>(v))[c]};
      if (label == 0 || label == 1) seen[static_cast<size_t>(c)][static_cast<size_t>(label)] = true;
    }
  }
  return std::any_of(seen.begin(), seen.end(),
                     [](const std::array<bool, 2>& of) { return of[0] && of[1]; });
}

}  // namespace

absl::Status CheckSplit(const LoaderInputs& targets, const Store& store, const std::string& split,
                        const Config& config) {
  const int64_t nodes = targets.NumLabelled(SplitPart::kTrain);
  if (nodes < kLeastTrainingNodes)
    return absl::FailedPreconditionError(absl::StrCat(
        "split ", split, " of ", store.path(), " has ", Counted(nodes, "labelled training node"),
        ", but a step takes at least ", kLeastTrainingNodes,
        ": choose another split with --split, or label more of its training nodes"));
  if (SelectsByRocAuc(config) && targets.NumLabelled(SplitPart::kValid) > 0 &&
      !ValidationHasBothLabels(targets))
    return absl::FailedPreconditionError(absl::StrCat(
        "the validation nodes of split ", split, " of ", store.path(),
        " have no area under the ROC curve, because no label has both values among them: choose "
        "another split with --split, or train without train.select_by=ROC_AUC"));
  return absl::OkStatus();
}

absl::Status CheckTrainable(const Store& store, const std::string& asked, const Config& config,
                            ThreadPool& pool) {
  const std::string split = asked.empty() ? store.DefaultSplit() : asked;
  QH_ASSIGN_OR_RETURN(const LoaderInputs targets, TargetsFromStore(store, split, pool));
  QH_RETURN_IF_ERROR(ModelOptions(config, store).status());
  QH_RETURN_IF_ERROR(ClassWeights(config.train(), store, split).status());
  return CheckSplit(targets, store, split, config);
}

}  // namespace quadhop
