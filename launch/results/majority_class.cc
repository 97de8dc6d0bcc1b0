#include "launch/results/majority_class.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "core/status.h"

namespace quadhop {

absl::StatusOr<double> MajorityClassTestAccuracy(const Store& store) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  if (!store.HasFile("labels.npy") || !store.HasFile("splits.npy") ||
      store.manifest().multi_label()) {
    return kNone;
  }
  QH_ASSIGN_OR_RETURN(const absl::Span<const int32_t> labels, store.labels());
  QH_ASSIGN_OR_RETURN(const absl::Span<const uint8_t> parts, store.split(""));
  const size_t num_classes = static_cast<size_t>(store.manifest().classes());
  std::vector<int64_t> train(num_classes);
  std::vector<int64_t> test(num_classes);
  int64_t num_test = 0;
  for (size_t v = 0; v < labels.size(); ++v) {
    if (labels[v] < 0 || static_cast<size_t>(labels[v]) >= num_classes) continue;
    const size_t label = static_cast<size_t>(labels[v]);
    if (parts[v] == static_cast<uint8_t>(SplitPart::kTrain)) ++train[label];
    if (parts[v] == static_cast<uint8_t>(SplitPart::kTest)) {
      ++test[label];
      ++num_test;
    }
  }
  if (num_test == 0) return kNone;
  const auto majority = std::max_element(train.begin(), train.end()) - train.begin();
  return static_cast<double>(test[static_cast<size_t>(majority)]) / static_cast<double>(num_test);
}

}  // namespace quadhop
