#include "launch/session/class_counts.h"

#include "core/base/status.h"

namespace quadhop {

bool HasClassesToCount(const Store& store) {
  return store.HasFile("labels.npy") && store.HasFile("splits.npy") &&
         !store.manifest().multi_label();
}

absl::StatusOr<ClassCounts> CountClasses(const Store& store, const std::string& split) {
  QH_ASSIGN_OR_RETURN(const auto labels, store.labels());
  QH_ASSIGN_OR_RETURN(const auto parts, store.split(split));
  const int32_t classes = store.manifest().classes();
  ClassCounts counts;
  for (size_t v = 0; v < labels.size(); ++v) {
    if (labels[v] < 0 || labels[v] >= classes) continue;
    auto& by_part = counts[labels[v]].by_part;
    if (parts[v] < by_part.size()) ++by_part[parts[v]];
  }
  return counts;
}

}  // namespace quadhop
