#include "model/checkpoint/checkpoint_parts.h"

#include <absl/strings/strip.h>
#include <google/protobuf/text_format.h>

#include <filesystem>

#include "core/base/check.h"
#include "core/base/status.h"
#include "core/files/checksum.h"
#include "core/files/file.h"

namespace quadhop {
namespace {

constexpr int32_t kCheckpointVersion = 2;

// Whether a checkpoint has, or while it is written had, a file of that name.
bool IsNameOfOurs(absl::string_view name) {
  absl::ConsumeSuffix(&name, ".tmp");
  for (const absl::string_view ours :
       {kCheckpointManifestName, kWeightsFile, kOptimizerFile, kCandidatesFile, kCodesFile})
    if (name == ours) return true;
  return false;
}

}  // namespace

bool IsCheckpointFolder(const std::string& path) {
  return FileExists(path + "/" + kCheckpointManifestName);
}

std::vector<StateArray> OptimizerState(LargeGT& model, Adam& adam) {
  std::vector<StateArray> arrays;
  for (const auto& [prefix, moment] : {std::pair("exp_avg.", adam.first_moment()),
                                       std::pair("exp_avg_sq.", adam.second_moment())}) {
    for (const Parameter& p : model.parameters().parameters()) {
      if (p.group == GradientGroup::kUnused) continue;
      arrays.push_back(
          {prefix + p.name, p.dims, TensorView<float>(moment.data() + p.offset, {p.size})});
    }
  }
  return arrays;
}

absl::StatusOr<CheckpointFile> DescribeFile(const std::string& folder, const std::string& name) {
  QH_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(folder + "/" + name));
  CheckpointFile described;
  described.set_name(name);
  described.set_bytes(static_cast<int64_t>(file.bytes().size()));
  described.set_xxh3(HexOf(Xxh3(file.bytes().data(), file.bytes().size())));
  return described;
}

absl::Status WriteCheckpointManifest(CheckpointManifest manifest, const std::string& folder) {
  manifest.set_format_version(kCheckpointVersion);
  manifest.clear_checksum();
  std::string text;
  QH_CHECK(google::protobuf::TextFormat::PrintToString(manifest, &text));
  return WriteFileAtomically(folder + "/" + kCheckpointManifestName, text + ChecksumLine(text));
}

absl::StatusOr<CheckpointManifest> ReadCheckpointManifest(const std::string& path) {
  const std::string name = path + "/" + kCheckpointManifestName;
  QH_ASSIGN_OR_RETURN(const std::string text, ReadRegularFile(name, int64_t{64} << 20));
  if (!EndsWithItsChecksum(text))
    return absl::DataLossError(absl::StrCat(name, " is damaged: it does not have its checksum"));
  CheckpointManifest manifest;
  google::protobuf::TextFormat::Parser parser;
  parser.AllowUnknownField(true);  // so that a later version can be reported
  if (!parser.ParseFromString(text, &manifest))
    return absl::DataLossError(absl::StrCat(name, " is not a checkpoint's manifest"));
  if (manifest.format_version() != kCheckpointVersion)
    return absl::FailedPreconditionError(absl::StrCat(
        name, " has format version ", manifest.format_version(), "; this quadhop reads version ",
        kCheckpointVersion, ": use the quadhop that wrote it"));
  for (const CheckpointFile& file : manifest.files())
    if (!IsNameOfOurs(file.name()))
      return absl::DataLossError(
          absl::StrCat(name, " lists '", file.name(), "', which is not a file of a checkpoint"));
  return manifest;
}

absl::Status CheckIsOfStore(const std::string& path, const CheckpointManifest& manifest,
                            const std::string& store) {
  if (manifest.store() == store) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      path, " is of a store with checksum ", manifest.store(), "; this one has ", store,
      ": was it prepared again, or cut into other parts? Name the former store with "
      "--store, or prepare this one again with the same options as then"));
}

absl::Status VerifyFile(const std::string& path, const CheckpointFile& file) {
  QH_ASSIGN_OR_RETURN(const CheckpointFile found, DescribeFile(path, file.name()));
  if (found.bytes() == file.bytes() && found.xxh3() == file.xxh3()) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(path, "/", file.name(), " is damaged: ", found.bytes(), " bytes with checksum ",
                   found.xxh3(), "; the manifest says ", file.bytes(), " with ", file.xxh3()));
}

absl::StatusOr<std::string> FindFile(const std::string& path, const CheckpointManifest& manifest,
                                     absl::string_view name) {
  for (const CheckpointFile& file : manifest.files()) {
    if (file.name() != name) continue;
    QH_RETURN_IF_ERROR(VerifyFile(path, file));
    return absl::StrCat(path, "/", name);
  }
  return absl::FailedPreconditionError(
      absl::StrCat(path, " has no ", name, ", which a model of this config needs"));
}

absl::StatusOr<StoredCodes> StoredCodes::Open(const std::string& path,
                                              const CheckpointManifest& manifest) {
  StoredCodes codes;
  for (const CheckpointFile& file : manifest.files()) {
    if (file.name() != kCodesFile) continue;
    QH_RETURN_IF_ERROR(VerifyFile(path, file));
    QH_ASSIGN_OR_RETURN(codes.file_, NpyFile::Open(path + "/" + kCodesFile));
    const DType dtype = codes.file_->header().dtype;
    if (dtype != DType::kI16)
      return absl::DataLossError(absl::StrCat(path, "/", kCodesFile, " holds ", DTypeName(dtype),
                                              "; codes are i16: restore the file"));
  }
  return codes;
}

absl::Span<const int16_t> StoredCodes::values() const {
  return file_.has_value() ? file_->values<int16_t>() : absl::Span<const int16_t>();
}

absl::Status CheckCode(const std::string& path, int64_t code, int64_t centroids) {
  if (code >= 0 && code < centroids) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(path, " has code ", code, "; allowed: [0, ", centroids, ")"));
}

absl::Status RemoveCheckpoint(const std::string& path) {
  std::error_code error;
  if (std::filesystem::symlink_status(path, error).type() != std::filesystem::file_type::directory)
    return RemoveFileIfPresent(path);
  const absl::StatusOr<std::vector<std::string>> names = ListFolder(path);
  QH_RETURN_IF_ERROR(names.status());
  // The manifest goes first, so that it never lists files that are gone.
  QH_RETURN_IF_ERROR(RemoveFileIfPresent(path + "/" + kCheckpointManifestName));
  for (const std::string& name : *names)
    if (IsNameOfOurs(name)) QH_RETURN_IF_ERROR(RemoveFileIfPresent(path + "/" + name));
  std::filesystem::remove(path, error);  // refused while something else is in it
  return absl::OkStatus();
}

}  // namespace quadhop
