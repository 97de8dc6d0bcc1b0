#include "launch/session/trainable.h"

#include <absl/strings/str_cat.h>

#include "core/base/counted.h"
#include "core/base/status.h"
#include "launch/config/model_options.h"
#include "launch/session/class_weights.h"
#include "sampler/batches/pass.h"

namespace quadhop {

absl::Status CheckTrainingNodes(const LoaderInputs& targets, const Store& store,
                                const std::string& split) {
  const int64_t nodes = targets.NumLabelled(SplitPart::kTrain);
  if (nodes >= kLeastTrainingNodes) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "split ", split, " of ", store.path(), " has ", Counted(nodes, "labelled training node"),
      ", but a step takes at least ", kLeastTrainingNodes,
      ": choose another split with --split, or label more of its training nodes"));
}

absl::Status CheckTrainable(const Store& store, const std::string& asked, const Config& config,
                            ThreadPool& pool) {
  const std::string split = asked.empty() ? store.DefaultSplit() : asked;
  QH_ASSIGN_OR_RETURN(const LoaderInputs targets, TargetsFromStore(store, split, pool));
  QH_RETURN_IF_ERROR(ModelOptions(config, store).status());
  QH_RETURN_IF_ERROR(ClassWeights(config.train(), store, split).status());
  return CheckTrainingNodes(targets, store, split);
}

}  // namespace quadhop
