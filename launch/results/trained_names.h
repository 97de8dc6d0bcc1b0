// The names of the features and classes that a model was trained on, and whether a store has the
// same.
#pragma once

#include <absl/status/status.h>
#include <absl/strings/string_view.h>

#include <map>
#include <string>
#include <vector>

#include "core/store/store.pb.h"

namespace quadhop {

// Empty where there are none.
struct TrainedNames {
  std::vector<std::string> features;  // [F]
  std::vector<std::string> classes;   // [C]
};

TrainedNames NamesOf(const StoreManifest& manifest);

// As the metadata of an exported file, "feature_names" and "class_names", each a JSON list.
void AddNames(const TrainedNames& names, std::map<std::string, std::string>* metadata);
TrainedNames NamesInMetadata(const std::map<std::string, std::string>& metadata);

// kFailedPrecondition, naming the first that differs, unless the store at `path` has the same names
// for features (in whatever case), and classes. Names that either side lacks are not compared.
absl::Status CheckFeatureNames(const TrainedNames& trained, const TrainedNames& names,
                               const std::string& path);
absl::Status CheckClassNames(const TrainedNames& trained, const TrainedNames& names,
                             const std::string& path);

}  // namespace quadhop
