#include "partition/import/target/like_store.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>
#include <absl/types/optional.h>

#include <algorithm>
#include <memory>
#include <regex>

#include "core/base/counted.h"
#include "core/base/status.h"
#include "core/files/checksum.h"
#include "core/store/manifest.h"
#include "partition/encodings/encode.h"
#include "partition/encodings/encoder.h"
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
      now == names.end() ? "absent" : absl::StrCat("\"", *now, "\""),
      " here; they must be the same in the same order"));
}

std::string HexOfText(const std::string& text) { return HexOf(Xxh3(text.data(), text.size())); }

// The value of an option of the import, by how it begins: "like="; "" if there is none.
std::string ImportOption(const StoreManifest& manifest, absl::string_view name) {
  const Provenance* const import = FindStep(manifest, PrepStepName(PrepStep::kImport));
  if (import == nullptr) return "";
  for (absl::string_view option : absl::StrSplit(import->options(), ' '))
    if (absl::ConsumePrefix(&option, name)) return std::string(option);
  return "";
}

// What tells its graph and features from others: not when the files that they came from were
// written (import_inputs.cc), which a copy of them changes.
std::string OriginOf(const StoreManifest& manifest) {
  const Provenance* const import = FindStep(manifest, PrepStepName(PrepStep::kImport));
  if (import == nullptr) return StoreIdentity(manifest);
  static const std::regex kTime(" changed [0-9]+[.][0-9]{9} ");
  return absl::StrCat(import->options(), "\n", std::regex_replace(import->inputs(), kTime, " "));
}

// Of those that it has, or else of those that it is like.
std::string OptionsOfEncodings(const StoreManifest& manifest) {
  const Provenance* const encode = FindStep(manifest, PrepStepName(PrepStep::kEncode));
  return encode == nullptr ? manifest.encodings_like() : encode->options();
}

// Whether columns by these options mean the same on every graph.
bool KeepAxes(const std::string& encode_options) {
  const absl::StatusOr<const EncodingMethod*> method = FindEncoder(MethodOf(encode_options));
  return method.ok() && (*method)->keeps_axes;
}

// The encodings whose scale a store that is like this one takes.
struct TakenEncodings {
  std::string options;
  const char* moments_file;
};
absl::optional<TakenEncodings> EncodingsToTake(const StoreManifest& manifest) {
  const std::string options = OptionsOfEncodings(manifest);
  const char* const file =
      options == manifest.encodings_like() ? kLikeEncodingMomentsFile : kEncodingMomentsFile;
  if (!KeepAxes(options) || FindFile(manifest, file) == nullptr) return absl::nullopt;
  return TakenEncodings{options, file};
}

}  // namespace

std::string LikeIdentity(const StoreManifest& manifest) {
  const std::string of_another = ImportOption(manifest, "like=");
  return of_another.empty() ? HexOfText(OriginOf(manifest)) : of_another;
}

std::string EncodingScale(const StoreManifest& manifest) {
  const std::string options = OptionsOfEncodings(manifest);
  if (!KeepAxes(options)) return "";
  if (options == manifest.encodings_like()) return ImportOption(manifest, "encodings-like=");
  return HexOfText(absl::StrCat(options, "\n", OriginOf(manifest)));
}

std::string LikeOptions(const StoreManifest& manifest) {
  const std::string like = absl::StrCat("like=", LikeIdentity(manifest));
  if (!EncodingsToTake(manifest).has_value()) return like;
  return absl::StrCat(like, " encodings-like=", EncodingScale(manifest));
}

absl::StatusOr<LikeStore> LikeStore::Open(const std::string& path, ThreadPool& pool) {
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<Store> store, Store::Open(path));
  QH_RETURN_IF_ERROR(store->VerifyFiles({"raw.npy", "raw.indptr.npy", "raw.indices.npy",
                                         "raw.values.npy", "pos_enc.npy", kMomentsFile},
                                        pool));
  QH_ASSIGN_OR_RETURN(const RawFeatures raw,
                      RawFeatures::Open(*store, store->manifest().features_with_encodings()));
  LikeStore like;
  like.path_ = path;
  like.manifest_ = store->manifest();
  QH_ASSIGN_OR_RETURN(like.moments_, raw.Moments(*store, pool));
  if (const auto encodings = EncodingsToTake(like.manifest_)) {
    QH_RETURN_IF_ERROR(store->VerifyFiles({encodings->moments_file}, pool));
    QH_ASSIGN_OR_RETURN(like.encoding_moments_, ReadMoments(*store, encodings->moments_file));
  }
  return like;
}

absl::Status LikeStore::AddMomentsTo(StoreWriter& writer) const {
  QH_RETURN_IF_ERROR(AddMoments(kMomentsFile, moments_, writer));
  const auto encodings = EncodingsToTake(manifest_);
  if (!encodings.has_value()) return absl::OkStatus();
  writer.manifest().set_encodings_like(encodings->options);
  return AddMoments(kLikeEncodingMomentsFile, encoding_moments_, writer);
}

std::string LikeStore::NoteOnEncodings() const {
  const std::string options = OptionsOfEncodings(manifest_);
  const char kResult[] = ", so encodings will be scaled by the nodes of this store";
  if (options.empty()) return absl::StrCat(path_, " has no encodings", kResult);
  if (!KeepAxes(options) || EncodingsToTake(manifest_).has_value()) return "";
  return absl::StrCat(path_, " keeps no means and deviations of its encodings", kResult,
                      "; to take theirs, run quadhop encode on ", path_, " again first");
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
