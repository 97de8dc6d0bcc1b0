#include "launch/session/class_weights.h"

#include <cstdint>

#include "core/base/status.h"
#include "launch/session/class_counts.h"

namespace quadhop {
namespace {

absl::StatusOr<std::vector<float>> WeightsOfLabels(const Store& store, const std::string& split) {
  QH_ASSIGN_OR_RETURN(const auto labels, store.multi_labels());
  QH_ASSIGN_OR_RETURN(const auto parts, store.split(split));
  const auto num_labels = static_cast<size_t>(store.manifest().classes());
  std::vector<int64_t> zeros(num_labels), ones(num_labels);
  for (size_t v = 0; v < parts.size(); ++v) {
    if (parts[v] != static_cast<uint8_t>(SplitPart::kTrain)) continue;
    for (size_t c = 0; c < num_labels; ++c) {
      zeros[c] += labels[v * num_labels + c] == 0;
      ones[c] += labels[v * num_labels + c] == 1;
    }
  }
  std::vector<float> weights;
  for (size_t c = 0; c < num_labels; ++c)
    weights.push_back(
        zeros[c] == 0 || ones[c] == 0
            ? 1.0F
            : static_cast<float>(static_cast<double>(zeros[c]) / static_cast<double>(ones[c])));
  return weights;
}

absl::StatusOr<std::vector<float>> WeightsOfClasses(const Store& store, const std::string& split) {
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

}  // namespace

absl::StatusOr<std::vector<float>> ClassWeights(const TrainConfig& config, const Store& store,
                                                const std::string& split) {
  if (config.class_weights() == TrainConfig::UNIFORM) return std::vector<float>();
  return store.manifest().multi_label() ? WeightsOfLabels(store, split)
                                        : WeightsOfClasses(store, split);
}

}  // namespace quadhop
