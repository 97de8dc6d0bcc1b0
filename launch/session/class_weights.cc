#include "launch/session/class_weights.h"

#include <cstdint>

#include "core/base/status.h"

namespace quadhop {

absl::StatusOr<std::vector<std::array<int64_t, 4>>> CountClasses(const Store& store,
                                                                 const std::string& split) {
  QH_ASSIGN_OR_RETURN(const auto labels, store.labels());
  QH_ASSIGN_OR_RETURN(const auto parts, store.split(split));
  std::vector<std::array<int64_t, 4>> counts(static_cast<size_t>(store.manifest().classes()));
  for (size_t v = 0; v < labels.size(); ++v) {
    const auto label =
        static_cast<size_t>(labels[v]);  // kUnlabelled, or damaged: beyond all classes
    if (label < counts.size() && parts[v] < counts[label].size()) ++counts[label][parts[v]];
  }
  return counts;
}

absl::StatusOr<std::vector<float>> ClassWeights(const TrainConfig& config, const Store& store,
                                                const std::string& split) {
  if (config.class_weights() == TrainConfig::UNIFORM) return std::vector<float>();
  if (store.manifest().multi_label())
    return absl::InvalidArgumentError(
        "train.class_weights is BALANCED, which is for classes, but the labels are columns");
  QH_ASSIGN_OR_RETURN(const auto counts, CountClasses(store, split));
  constexpr auto kTrain = static_cast<size_t>(SplitPart::kTrain);
  int64_t total = 0;
  for (const auto& of_class : counts) total += of_class[kTrain];
  std::vector<float> weights;
  for (const auto& of_class : counts) {
    const int64_t n = of_class[kTrain];
    const double share = static_cast<double>(counts.size()) * static_cast<double>(n);
    weights.push_back(n == 0 ? 0.0f : static_cast<float>(static_cast<double>(total) / share));
  }
  return weights;
}

}  // namespace quadhop
