#include "launch/session/class_counts.h"

#include <absl/strings/str_cat.h>

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

absl::StatusOr<int32_t> RarerClass(const Store& store, const std::string& split) {
  QH_ASSIGN_OR_RETURN(ClassCounts counts, CountClasses(store, split));
  return counts[0].In(SplitPart::kTrain) < counts[1].In(SplitPart::kTrain) ? 0 : 1;
}

std::string ClassName(const StoreManifest& manifest, int32_t label) {
  return label < manifest.class_names_size() ? manifest.class_names(label) : absl::StrCat(label);
}

}  // namespace quadhop
