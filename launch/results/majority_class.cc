#include "launch/results/majority_class.h"

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "core/base/status.h"

namespace quadhop {

absl::StatusOr<double> MajorityClassTestAccuracy(const Store& store, const std::string& split) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  if (!store.HasFile("labels.npy") || !store.HasFile("splits.npy") ||
      store.manifest().multi_label()) {
    return kNone;
  }
  QH_ASSIGN_OR_RETURN(const absl::Span<const int32_t> labels, store.labels());
  QH_ASSIGN_OR_RETURN(const absl::Span<const uint8_t> parts, store.split(split));
  struct Counts {
    int64_t train = 0, test = 0;
  };
  // A map by class: one stray label can give a store of few nodes billions of classes.
  absl::flat_hash_map<int32_t, Counts> counts;
  int64_t num_test = 0;
  for (size_t v = 0; v < labels.size(); ++v) {
    if (labels[v] < 0) continue;
    if (parts[v] == static_cast<uint8_t>(SplitPart::kTrain)) ++counts[labels[v]].train;
    if (parts[v] == static_cast<uint8_t>(SplitPart::kTest)) {
      ++counts[labels[v]].test;
      ++num_test;
    }
  }
  if (num_test == 0) return kNone;
  // Of several classes with equally many nodes, the first.
  const auto majority =
      std::max_element(counts.begin(), counts.end(), [](const auto& a, const auto& b) {
        return std::pair(a.second.train, b.first) < std::pair(b.second.train, a.first);
      });
  return static_cast<double>(majority->second.test) / static_cast<double>(num_test);
}

}  // namespace quadhop
