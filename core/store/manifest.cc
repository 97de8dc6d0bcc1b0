#include "core/store/manifest.h"

#include <absl/container/flat_hash_set.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <utility>

#include "core/arrays/dtype.h"
#include "core/base/check.h"
#include "core/base/status.h"
#include "core/files/checksum.h"
#include "core/files/file.h"
#include "core/store/store.h"

namespace quadhop {
namespace {

using google::protobuf::TextFormat;

// Keeps the first error.
class FirstError : public google::protobuf::io::ErrorCollector {
 public:
  explicit FirstError(const std::string& path) : path_(path) {}
  void AddError(int line, int column, const std::string& what) override {
    if (message_.empty())
      message_ = absl::StrCat(path_, ":", line + 1, ":", column + 1, ": ", what);
  }
  void AddWarning(int, int, const std::string&) override {}
  const std::string& message() const { return message_; }

 private:
  std::string path_;
  std::string message_;
};

bool Parse(absl::string_view text, bool allow_unknown_fields, FirstError* error,
           StoreManifest* manifest) {
  TextFormat::Parser parser;
  parser.RecordErrorsTo(error);
  parser.AllowUnknownField(allow_unknown_fields);
  return parser.ParseFromString(std::string(text), manifest);
}

absl::Status Bad(const std::string& path, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", what));
}

std::string BodyOf(StoreManifest manifest) {
  manifest.clear_checksum();
  std::string body;
  QH_CHECK(TextFormat::PrintToString(manifest, &body));
  return body;
}

absl::Status CheckCounts(const StoreManifest& m, const std::string& path) {
  for (const auto& [field, value] : {std::pair<const char*, int64_t>{"nodes", m.nodes()},
                                     {"arcs", m.arcs()},
                                     {"features", m.features()},
                                     {"hops", m.hops()},
                                     {"classes", m.classes()},
                                     {"pos_enc_width", m.pos_enc_width()}}) {
    if (value < 0) return Bad(path, absl::StrCat(field, " is ", value, ", must be at least 0"));
  }
  if (!m.feature_dtype().empty()) {
    const absl::StatusOr<DType> dtype = ParseDType(m.feature_dtype());
    if (!dtype.ok() || (*dtype != DType::kF32 && *dtype != DType::kF16 && *dtype != DType::kBF16))
      return Bad(path, absl::StrCat("feature_dtype is '", m.feature_dtype(),
                                    "', must be f32, f16 or bf16"));
  }
  if (m.class_names_size() != 0 && m.class_names_size() != m.classes())
    return Bad(path, absl::StrCat("has ", m.class_names_size(), " class_names for ", m.classes(),
                                  " classes"));
  if (m.feature_names_size() != 0 && m.feature_names_size() != m.features())
    return Bad(path, absl::StrCat("has ", m.feature_names_size(), " feature_names for ",
                                  m.features(), " features"));
  return absl::OkStatus();
}

absl::Status CheckPartitions(const StoreManifest& m, const std::string& path) {
  const auto& offsets = m.partition_offsets();
  if (offsets.size() < 2)
    return Bad(path,
               absl::StrCat("has ", offsets.size(), " partition_offsets, must be at least 2"));
  for (int i = 1; i < offsets.size(); ++i) {
    if (offsets[i] < offsets[i - 1])
      return Bad(path,
                 absl::StrCat("partition_offsets fall from ", offsets[i - 1], " to ", offsets[i]));
  }
  if (offsets[0] != 0 || offsets[offsets.size() - 1] != m.nodes())
    return Bad(path, absl::StrCat("partition_offsets go from ", offsets[0], " to ",
                                  offsets[offsets.size() - 1],
                                  ", must go from 0 to the number of nodes, ", m.nodes()));
  return absl::OkStatus();
}

absl::Status CheckNames(const StoreManifest& m, const std::string& path) {
  absl::flat_hash_set<std::string> splits;
  for (const std::string& name : m.split_names()) {
    if (name.empty() || !splits.insert(name).second)
      return Bad(path, absl::StrCat("split name '", name, "' is empty or repeated"));
  }
  absl::flat_hash_set<std::string> files;
  for (const StoreFile& file : m.files()) {
    QH_RETURN_IF_ERROR(Annotate(CheckFileName(file.name()), path));
    if (!files.insert(file.name()).second)
      return Bad(path, absl::StrCat("file '", file.name(), "' is listed twice"));
    if (file.bytes() < 0)
      return Bad(path, absl::StrCat("file '", file.name(), "' has ", file.bytes(), " bytes"));
    QH_RETURN_IF_ERROR(Annotate(ParseHex(file.sidecar_xxh3()).status(),
                                absl::StrCat(path, ": file ", file.name())));
  }
  return absl::OkStatus();
}

}  // namespace

bool IsStoreFolder(const std::string& path) {
  return FileExists(absl::StrCat(path, "/", kStoreManifestName)) ||
         FileExists(absl::StrCat(path, "/", kNextManifestName));
}

std::string ManifestToText(StoreManifest manifest) {
  const std::string body = BodyOf(std::move(manifest));
  return body + ChecksumLine(body);
}

std::string StoreIdentity(StoreManifest manifest) {
  for (Provenance& step : *manifest.mutable_provenance()) {
    step.clear_inputs();
    step.clear_sources();
  }
  const std::string body = BodyOf(std::move(manifest));
  return HexOf(Xxh3(body.data(), body.size()));
}

absl::StatusOr<StoreManifest> ParseManifest(absl::string_view text, const std::string& path) {
  FirstError error(path);
  StoreManifest manifest;
  // Unknown fields are allowed at first: a later version must be reported as such.
  if (!Parse(text, true, &error, &manifest))
    return absl::DataLossError(absl::StrCat(
        error.message(), "; the manifest is damaged: restore it or make the store again"));
  if (manifest.format_version() == 0)
    return absl::DataLossError(absl::StrCat(path,
                                            ": has no format_version; it is empty, damaged or not "
                                            "a manifest: restore it or make the store again"));
  if (manifest.format_version() != kStoreFormatVersion)
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": format version ", manifest.format_version(),
                     ", this quadhop reads version ", kStoreFormatVersion,
                     EndsWithItsChecksum(text)
                         ? "; use the quadhop that made the store, or make it again"
                         : "; its checksum is wrong too: it is damaged or not a manifest: restore "
                           "it or make the store again"));
  if (!EndsWithItsChecksum(text))
    return absl::DataLossError(absl::StrCat(path,
                                            ": does not match its checksum; it was damaged or "
                                            "edited: restore it or make the store again"));
  if (!Parse(text, false, &error, &manifest)) return absl::InvalidArgumentError(error.message());
  QH_RETURN_IF_ERROR(CheckManifest(manifest, path));
  return manifest;
}

absl::StatusOr<StoreManifest> ReadManifest(const std::string& path) {
  QH_ASSIGN_OR_RETURN(const std::string text, ReadRegularFile(path));
  return ParseManifest(text, path);
}

absl::Status CheckManifest(const StoreManifest& manifest, const std::string& path) {
  QH_RETURN_IF_ERROR(CheckCounts(manifest, path));
  QH_RETURN_IF_ERROR(CheckPartitions(manifest, path));
  return CheckNames(manifest, path);
}

absl::Status CheckFileName(absl::string_view name) {
  const bool own = name == kStoreManifestName || absl::EndsWith(name, ".tmp") ||
                   absl::EndsWith(name, ".xxh3") || absl::EndsWith(name, ".next");
  if (name.empty() || name.front() == '.' || absl::StrContains(name, '/') ||
      absl::StrContains(name, '\0') || own)
    return absl::InvalidArgumentError(
        absl::StrCat("'", name, "' cannot be a file of a store: no '/', no leading '.', not ",
                     kStoreManifestName, ", not ending in .tmp, .xxh3 or .next"));
  return absl::OkStatus();
}

absl::string_view StepOfFile(absl::string_view name) {
  if (name == "features.npy") return "propagate";
  if (name == "pos_enc.npy" || name == kEncodingMomentsFile) return "encode";
  return "import";
}

std::string RemedyFor(absl::string_view name) {
  return absl::StrCat("restore the file, or run `quadhop ", StepOfFile(name), "` again");
}

void LeaveOut(StoreManifest& manifest, absl::string_view name) {
  auto& files = *manifest.mutable_files();
  files.erase(std::remove_if(files.begin(), files.end(),
                             [&](const StoreFile& file) { return file.name() == name; }),
              files.end());
  if (name == kEncodingMomentsFile) return;  // encodings are what they are without it
  auto& steps = *manifest.mutable_provenance();
  steps.erase(
      std::remove_if(steps.begin(), steps.end(),
                     [&](const Provenance& step) { return step.step() == StepOfFile(name); }),
      steps.end());
  if (name == "pos_enc.npy") manifest.set_pos_enc_width(0);
  if (name != "features.npy") return;
  manifest.set_hops(0);
  manifest.clear_feature_dtype();
  manifest.clear_features_with_encodings();
}

bool FeaturesHoldEncodings(const StoreManifest& manifest) {
  return manifest.features() == 0 || manifest.features_with_encodings();
}

const StoreFile* FindFile(const StoreManifest& manifest, absl::string_view name) {
  for (const StoreFile& file : manifest.files()) {
    if (file.name() == name) return &file;
  }
  return nullptr;
}

const Provenance* FindStep(const StoreManifest& manifest, absl::string_view step) {
  for (const Provenance& entry : manifest.provenance()) {
    if (entry.step() == step) return &entry;
  }
  return nullptr;
}

}  // namespace quadhop
