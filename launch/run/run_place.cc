#include "launch/run/run_place.h"

#include <absl/status/statusor.h>
#include <absl/strings/str_cat.h>

#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/files/file.h"
#include "core/files/folder_around.h"
#include "core/store/manifest.h"
#include "launch/run/repeated_runs.h"
#include "launch/run/run_paths.h"

namespace quadhop {
namespace {

// The names in a folder, sorted, without those that IsMadeBeforehand.
absl::StatusOr<std::vector<std::string>> NamesIn(const std::string& folder) {
  QH_ASSIGN_OR_RETURN(std::vector<std::string> names, ListFolderIfPresent(folder));
  std::erase_if(names, IsMadeBeforehand);
  return names;
}

absl::Status RefuseFolder(const std::string& folder, const std::string& what) {
  return absl::FailedPreconditionError(
      absl::StrCat(folder, what, ": --run must be a new or empty folder, or that of a run"));
}

}  // namespace

absl::Status CheckMayHoldARun(const std::string& run) {
  QH_RETURN_IF_ERROR(CheckMayMakeDirectories(run));
  if (IsRunFolder(run)) return absl::OkStatus();
  if (const std::string store = FolderAround(run, IsStoreFolder); !store.empty())
    return absl::FailedPreconditionError(absl::StrCat(
        run, " lies in the store ", store, ": name a folder for --run that is outside of it"));
  QH_ASSIGN_OR_RETURN(const std::vector<std::string> names, NamesIn(run));
  if (names.empty()) return absl::OkStatus();
  if (IsStoreFolder(run)) return RefuseFolder(run, " is a store");
  for (const std::string& name : names)
    if (!KindOfRun(name).empty())
      return RefuseFolder(run, absl::StrCat(" holds runs, ", name, " among them"));
  return RefuseFolder(run, absl::StrCat(" is not the folder of a run, and holds ", names[0]));
}

absl::Status CheckFolderOfRuns(const std::string& folder, absl::string_view run) {
  if (IsRunFolder(folder))
    return absl::FailedPreconditionError(absl::StrCat(
        folder, " is the folder of a run: runs over seeds or splits take a --run of their own"));
  QH_ASSIGN_OR_RETURN(const std::vector<std::string> names, NamesIn(folder));
  bool has_runs = false;
  for (const std::string& name : names) {
    const absl::string_view kind = KindOfRun(name);
    if (!kind.empty() && kind != KindOfRun(run))
      return absl::FailedPreconditionError(
          absl::StrCat(folder, " holds ", name, ", which is not averaged with ", run,
                       ": runs over seeds, over splits and over both take a --run each"));
    has_runs |= !kind.empty();
  }
  return has_runs ? absl::OkStatus() : CheckMayHoldARun(folder);
}

}  // namespace quadhop
