#include "launch/results/majority_class.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/base/status.h"

namespace quadhop {

absl::StatusOr<double> MajorityClassTestAccuracy(const Store& store, const std::string& split) {
  if (!HasClassesToCount(store)) return std::numeric_limits<double>::quiet_NaN();
  QH_ASSIGN_OR_RETURN(const ClassCounts counts, CountClasses(store, split));
  return MajorityClassTestAccuracy(counts);
}

double MajorityClassTestAccuracy(const ClassCounts& counts) {
  int64_t num_test = 0;
  for (const auto& [label, of_class] : counts) num_test += of_class.In(SplitPart::kTest);
  if (num_test == 0) return std::numeric_limits<double>::quiet_NaN();
  // Of several classes with equally many nodes, the first.
  const auto majority =
      std::max_element(counts.begin(), counts.end(), [](const auto& a, const auto& b) {
        return std::pair(a.second.In(SplitPart::kTrain), b.first) <
               std::pair(b.second.In(SplitPart::kTrain), a.first);
      });
  return static_cast<double>(majority->second.In(SplitPart::kTest)) / static_cast<double>(num_test);
}

}  // namespace quadhop
