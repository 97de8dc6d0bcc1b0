#include "launch/results/trained_names.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "launch/json/json_fields.h"

namespace quadhop {
namespace {

constexpr char kFeatureNames[] = "feature_names", kClassNames[] = "class_names";

using Names = std::vector<std::string>;

Names NamesAt(const std::map<std::string, std::string>& metadata, const char* key) {
  const auto found = metadata.find(key);
  if (found == metadata.end()) return {};
  const nlohmann::json list = ParseJson(found->second);
  Names names;
  if (!list.is_array()) return names;
  for (const nlohmann::json& name : list)
    if (name.is_string()) names.push_back(name.get<std::string>());
  return names;
}

absl::Status CheckNames(const char* what, const Names& trained, const Names& names,
                        const std::string& path,
                        bool (*alike)(absl::string_view, absl::string_view)) {
  if (trained.empty() || names.empty()) return absl::OkStatus();
  const auto [before, now] =
      std::mismatch(trained.begin(), trained.end(), names.begin(), names.end(), alike);
  if (before == trained.end() && now == names.end()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "the names of the ", what, " of ", path,
      " and of the store that the model was trained on differ, first \"",
      now == names.end() ? "" : *now, "\" and \"", before == trained.end() ? "" : *before, "\""));
}

}  // namespace

TrainedNames NamesOf(const StoreManifest& manifest) {
  return {{manifest.feature_names().begin(), manifest.feature_names().end()},
          {manifest.class_names().begin(), manifest.class_names().end()}};
}

void AddNames(const TrainedNames& names, std::map<std::string, std::string>* metadata) {
  if (!names.features.empty()) (*metadata)[kFeatureNames] = nlohmann::json(names.features).dump();
  if (!names.classes.empty()) (*metadata)[kClassNames] = nlohmann::json(names.classes).dump();
}

TrainedNames NamesInMetadata(const std::map<std::string, std::string>& metadata) {
  return {NamesAt(metadata, kFeatureNames), NamesAt(metadata, kClassNames)};
}

absl::Status CheckFeatureNames(const TrainedNames& trained, const TrainedNames& names,
                               const std::string& path) {
  return CheckNames(
      "features", trained.features, names.features, path,
      [](absl::string_view a, absl::string_view b) { return absl::EqualsIgnoreCase(a, b); });
}

absl::Status CheckClassNames(const TrainedNames& trained, const TrainedNames& names,
                             const std::string& path) {
  return CheckNames("classes", trained.classes, names.classes, path,
                    [](absl::string_view a, absl::string_view b) { return a == b; });
}

}  // namespace quadhop
