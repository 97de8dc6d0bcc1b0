#include "model/checkpoint_parts.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_format.h>
#include <absl/strings/strip.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "core/check.h"
#include "core/checksum.h"
#include "core/file.h"
#include "core/status.h"

namespace quadhop {
namespace {

constexpr int32_t kCheckpointVersion = 1;

// Whether a checkpoint has, or while it is written had, a file of that name.
bool IsNameOfOurs(absl::string_view name) {
  absl::ConsumeSuffix(&name, ".tmp");
  for (const absl::string_view ours :
       {kManifestFile, kWeightsFile, kOptimizerFile, kCandidatesFile})
    if (name == ours) return true;
  return absl::ConsumePrefix(&name, "codes-") && absl::ConsumeSuffix(&name, ".npy") &&
         !name.empty() && std::all_of(name.begin(), name.end(), absl::ascii_isdigit);
}

}  // namespace

std::string CodesFile(int32_t partition) { return absl::StrFormat("codes-%05d.npy", partition); }

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

BlockRange OwnedNodes(const CheckpointSubject& s, int32_t p) {
  const auto offset = [&](int32_t i) { return s.partition_offsets[static_cast<size_t>(i)]; };
  const int64_t first = offset(s.owners.first[static_cast<size_t>(s.comm.rank().value())]);
  return {offset(p) - first, offset(p + 1) - first};
}

absl::Span<int16_t> CodesOf(const CheckpointSubject& s, int32_t p, absl::Span<int16_t> codes) {
  const BlockRange owned = OwnedNodes(s, p);
  return codes.subspan(static_cast<size_t>(owned.begin),
                       static_cast<size_t>(owned.end - owned.begin));
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
  return WriteFileAtomically(folder + "/" + kManifestFile, text + ChecksumLine(text));
}

absl::StatusOr<CheckpointManifest> ReadCheckpointManifest(const std::string& path) {
  const std::string name = path + "/" + kManifestFile;
  QH_ASSIGN_OR_RETURN(const std::string text, ReadFile(name, int64_t{64} << 20));
  if (!EndsWithItsChecksum(text))
    return absl::DataLossError(absl::StrCat(name, " is damaged: it does not have its checksum"));
  CheckpointManifest manifest;
  google::protobuf::TextFormat::Parser parser;
  parser.AllowUnknownField(true);  // of a later version, to say so
  if (!parser.ParseFromString(text, &manifest))
    return absl::DataLossError(absl::StrCat(name, " is not a checkpoint's manifest"));
  if (manifest.format_version() != kCheckpointVersion)
    return absl::FailedPreconditionError(absl::StrCat(
        name, " has format version ", manifest.format_version(), "; this quadhop reads version ",
        kCheckpointVersion, ": use the one that wrote it"));
  for (const CheckpointFile& file : manifest.files())
    if (!IsNameOfOurs(file.name()))
      return absl::DataLossError(
          absl::StrCat(name, " lists '", file.name(), "', which is no file of a checkpoint"));
  return manifest;
}

absl::Status CheckIsOfStore(const std::string& path, const CheckpointManifest& manifest,
                            const std::string& store) {
  if (manifest.store() == store) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      path, " is of a store with checksum ", manifest.store(), "; this one has ", store,
      ": was it prepared again, or cut into other parts? Name the former by "
      "--store, or prepare it by the same options as then"));
}

absl::Status VerifyFile(const std::string& path, const CheckpointFile& file) {
  QH_ASSIGN_OR_RETURN(const CheckpointFile found, DescribeFile(path, file.name()));
  if (found.bytes() == file.bytes() && found.xxh3() == file.xxh3()) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(path, "/", file.name(), " is damaged: ", found.bytes(), " bytes with checksum ",
                   found.xxh3(), "; the manifest says ", file.bytes(), " with ", file.xxh3()));
}

absl::Status RemoveCheckpoint(const std::string& path) {
  std::error_code error;
  if (std::filesystem::symlink_status(path, error).type() != std::filesystem::file_type::directory)
    return RemoveFileIfPresent(path);
  const absl::StatusOr<std::vector<std::string>> names = ListFolder(path);
  QH_RETURN_IF_ERROR(names.status());
  // The manifest goes first, so that no moment leaves one that lists files that are gone.
  QH_RETURN_IF_ERROR(RemoveFileIfPresent(path + "/" + kManifestFile));
  for (const std::string& name : *names)
    if (IsNameOfOurs(name)) QH_RETURN_IF_ERROR(RemoveFileIfPresent(path + "/" + name));
  std::filesystem::remove(path, error);  // refused while something else is in it
  return absl::OkStatus();
}

}  // namespace quadhop
