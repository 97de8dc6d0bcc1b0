#include "launch/session/class_weights.h"

#include <cstdint>

#include "core/base/status.h"
#include "launch/session/class_counts.h"

namespace quadhop {

absl::StatusOr<std::vector<float>> ClassWeights(const TrainConfig& config, const Store& store,
                                                const std::string& split) {
  if (config.class_weights() == TrainConfig::UNIFORM) return std::vector<float>();
  if (store.manifest().multi_label())
    return absl::InvalidArgumentError(
        "train.class_weights is BALANCED, which is for classes, but the labels are columns");
  QH_ASSIGN_OR_RETURN(const ClassCounts counts, CountClasses(store, split));
  std::vector<int64_t> nodes(static_cast<size_t>(store.manifest().classes()));
  int64_t total = 0;
  for (const auto& [label, of_class] : counts) {
    const int64_t n = of_class.In(SplitPart::kTrain);
    nodes[static_cast<size_t>(label)] = n;
    total += n;
  }
  std::vector<float> weights;
  for (const int64_t n : nodes) {
    const double share = static_cast<double>(nodes.size()) * static_cast<double>(n);
    weights.push_back(n == 0 ? 0.0f : static_cast<float>(static_cast<double>(total) / share));
  }
  return weights;
}

}  // namespace quadhop
