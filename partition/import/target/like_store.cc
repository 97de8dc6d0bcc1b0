#include "partition/import/target/like_store.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>

#include <algorithm>
#include <memory>

#include "core/base/counted.h"
#include "core/base/status.h"
#include "core/files/checksum.h"
#include "core/store/manifest.h"
#include "partition/features/raw_features.h"
#include "partition/steps/moments_file.h"
#include "partition/steps/prep_step.h"

namespace quadhop {
namespace {

using Names = google::protobuf::RepeatedPtrField<std::string>;

absl::Status CheckNames(const char* what, const Names& before, absl::Span<const std::string> names,
                        const std::string& path,
                        bool (*alike)(absl::string_view, absl::string_view)) {
  const auto [old, now] =
      std::mismatch(before.begin(), before.end(), names.begin(), names.end(), alike);
  if (old == before.end() && now == names.end()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "the ", what, " are not those of --like ", path, ": number ", old - before.begin() + 1,
      " is ", old == before.end() ? "absent" : absl::StrCat("\"", *old, "\""), " there, and ",
      now == names.end() ? "absent" : absl::StrCat("\"", *now, "\""), " here"));
}

}  // namespace

std::string LikeIdentity(const StoreManifest& manifest) {
  const Provenance* const import = FindStep(manifest, PrepStepName(PrepStep::kImport));
  std::string text;
  if (import != nullptr) {
    for (absl::string_view option : absl::StrSplit(import->options(), ' '))
      if (absl::ConsumePrefix(&option, "like=")) return std::string(option);
    text = absl::StrCat(import->options(), "\n", import->inputs());
  } else {
    text = StoreIdentity(manifest);  // synth made it, say
  }
  return HexOf(Xxh3(text.data(), text.size()));
}

absl::StatusOr<LikeStore> LikeStore::Open(const std::string& path, ThreadPool& pool) {
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<Store> store, Store::Open(path));
  QH_RETURN_IF_ERROR(
      store->VerifyFiles({"raw.npy", "raw.indptr.npy", "raw.indices.npy", "raw.values.npy",
                          "pos_enc.npy", kMomentsFile, kEncodingMomentsFile},
                         pool));
  QH_ASSIGN_OR_RETURN(const RawFeatures raw,
                      RawFeatures::Open(*store, store->manifest().features_with_encodings()));
  LikeStore like;
  like.path_ = path;
  like.manifest_ = store->manifest();
  QH_ASSIGN_OR_RETURN(like.moments_, raw.Moments(*store, pool));
  if (store->HasFile(kEncodingMomentsFile)) {
    QH_ASSIGN_OR_RETURN(like.encoding_moments_, ReadMoments(*store, kEncodingMomentsFile));
  }
  return like;
}

absl::Status LikeStore::AddTo(StoreWriter& writer) const {
  QH_RETURN_IF_ERROR(AddMoments(kMomentsFile, moments_, writer));
  const Provenance* const encode = FindStep(manifest_, PrepStepName(PrepStep::kEncode));
  if (encode == nullptr || encoding_moments_.mean.empty()) return absl::OkStatus();
  writer.manifest().set_encodings_like(encode->options());
  return AddMoments(kEncodingMomentsFile, encoding_moments_, writer);
}

absl::StatusOr<std::vector<std::string>> LikeStore::CategoriesOf(absl::string_view column) const {
  const std::string prefix = absl::StrCat(column, "=");
  std::vector<std::string> texts;
  for (const std::string& name : manifest().feature_names())
    if (absl::StartsWithIgnoreCase(name, prefix)) texts.push_back(name.substr(prefix.size()));
  if (!texts.empty()) return texts;
  return absl::FailedPreconditionError(absl::StrCat(
      "--like ", path(), " has no features called ", prefix, "..., so which texts of ", column,
      " are features cannot be told: --one-hot ", column, " and a header are needed for both"));
}

absl::Status LikeStore::CheckFeatures(int64_t num_features,
                                      absl::Span<const std::string> names) const {
  QH_RETURN_IF_ERROR(CheckNames(
      "features", manifest().feature_names(), names, path(),
      [](absl::string_view a, absl::string_view b) { return absl::EqualsIgnoreCase(a, b); }));
  if (num_features == manifest().features()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("nodes have ", Counted(num_features, "feature"),
                                                    ", but --like ", path(), " has ",
                                                    manifest().features()));
}

absl::Status LikeStore::CheckClasses(int64_t num_classes, bool multi_label,
                                     absl::Span<const std::string> names) const {
  QH_RETURN_IF_ERROR(CheckNames("classes", manifest().class_names(), names, path(),
                                [](absl::string_view a, absl::string_view b) { return a == b; }));
  if (num_classes == manifest().classes() && multi_label == manifest().multi_label())
    return absl::OkStatus();
  const auto labels = [](int64_t number, bool columns) {
    return absl::StrCat(number, columns ? " columns of labels" : " classes");
  };
  return absl::FailedPreconditionError(
      absl::StrCat("there are ", labels(num_classes, multi_label), ", but --like ", path(), " has ",
                   labels(manifest().classes(), manifest().multi_label())));
}

}  // namespace quadhop
