#include "launch/commands/paths.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "comm/mpi/mpi_launcher.h"
#include "core/base/status.h"
#include "core/files/file.h"
#include "core/files/folder_around.h"
#include "core/store/manifest.h"
#include "launch/command_line/exit_code.h"
#include "launch/run/repeated_runs.h"
#include "launch/run/run_paths.h"
#include "model/checkpoint/checkpoint_parts.h"

namespace quadhop {

absl::StatusOr<PathKind> KindOf(const std::string& path) {
  if (IsCheckpointFolder(path)) return PathKind::kCheckpoint;
  if (IsRunFolder(path) || !RunsIn(path).empty()) return PathKind::kRun;
  if (IsStoreFolder(path)) return PathKind::kStore;
  QH_ASSIGN_OR_RETURN(const bool is_there, IsPresent(path));
  if (!is_there) return PathKind::kStore;
  for (const absl::string_view name : {kStoreManifestName, kRunMark, kCheckpointManifestName})
    QH_RETURN_IF_ERROR(IsPresent(absl::StrCat(path, "/", name)).status());
  return absl::NotFoundError(
      absl::StrCat(path, " is neither a store, which has a ", kStoreManifestName,
                   ", nor the folder of a run, which has a ", kRunMark,
                   ", nor a checkpoint, which has a ", kCheckpointManifestName));
}

absl::Status CheckOutput(absl::string_view flag, const std::string& path,
                         absl::Span<const absl::string_view> endings) {
  if (std::none_of(endings.begin(), endings.end(),
                   [&](absl::string_view ending) { return absl::EndsWith(path, ending); }))
    return UsageError(absl::StrCat("--", flag, " is ", path, "; allowed: a name that ends in ",
                                   absl::StrJoin(endings, " or ")));
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  // Only rank 0 writes, so the hosts of other ranks need not have the folder.
  const std::filesystem::path parent = absolute.parent_path();
  if (RankByLauncher() == 0 && !std::filesystem::is_directory(parent, error))
    return UsageError(absl::StrCat("--", flag, " is ", path, ", but there is no folder ",
                                   parent.string(), ": make it first"));
  if (RankByLauncher() == 0 && std::filesystem::is_directory(absolute, error))
    return UsageError(absl::StrCat("--", flag, " is ", path, ", which is a folder: name a file"));
  const std::string around = FolderAround(path, [](const std::string& folder) {
    return IsStoreFolder(folder) || IsCheckpointFolder(folder);
  });
  if (around.empty()) return absl::OkStatus();
  return UsageError(absl::StrCat("--", flag, " is ", path, ", a place in the ",
                                 IsStoreFolder(around) ? "store " : "checkpoint ", around,
                                 ", to which no results may be written: name another"));
}

}  // namespace quadhop
