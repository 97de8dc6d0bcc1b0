#include "launch/run/run_claim.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/strings/string_view.h>
#include <absl/strings/strip.h>
#include <absl/time/clock.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>
#include <vector>

#include "core/file.h"
#include "core/manifest.h"
#include "core/status.h"
#include "launch/ranks/host_name.h"
#include "launch/run/run_folder.h"

namespace quadhop {
namespace {

constexpr absl::string_view kSeedRun = "seed-", kSplitRun = "split-";

std::string LockPath(const std::string& run) { return run + "/lock"; }

bool IsARun(const std::string& folder) { return FileExists(RunStorePath(folder)); }

// What is in a folder but for what a run makes before it can be told for one. Sorted.
absl::StatusOr<std::vector<std::string>> NamesIn(const std::string& folder) {
  QH_ASSIGN_OR_RETURN(std::vector<std::string> names, ListFolderIfPresent(folder));
  std::erase_if(names,
                [](const std::string& name) { return name == "lock" || name == "store.txt.tmp"; });
  return names;
}

// By its name, of one of the runs over seeds or splits (training/repetitions.h): "seed-3", but not
// "seed-3.old". "": of none.
absl::string_view KindOfRun(absl::string_view name) {
  uint64_t seed = 0;
  if (absl::StartsWith(name, kSplitRun)) return kSplitRun;
  return absl::ConsumePrefix(&name, kSeedRun) && absl::SimpleAtoi(name, &seed) ? kSeedRun : "";
}

// The folders that are of runs over seeds or splits by their names.
std::vector<std::string> NamesOfRuns(const std::string& folder) {
  std::vector<std::string> names = NamesIn(folder).value_or(std::vector<std::string>());
  std::erase_if(names, [](const std::string& name) { return KindOfRun(name).empty(); });
  // Numbers without leading zeros ascend by length first.
  std::stable_sort(names.begin(), names.end(), [](const std::string& a, const std::string& b) {
    return KindOfRun(a) == kSeedRun && KindOfRun(b) == kSeedRun && a.size() < b.size();
  });
  return names;
}

absl::Status RefuseFolder(const std::string& folder, const std::string& what) {
  return absl::FailedPreconditionError(
      absl::StrCat(folder, what, ": --run is to be a new or empty folder, or that of a run"));
}

}  // namespace

absl::Status CheckMayHoldARun(const std::string& run) {
  QH_RETURN_IF_ERROR(CheckMayMakeDirectories(run));
  if (IsARun(run)) return absl::OkStatus();
  QH_ASSIGN_OR_RETURN(const std::vector<std::string> names, NamesIn(run));
  if (names.empty()) return absl::OkStatus();
  if (IsStoreFolder(run)) return RefuseFolder(run, " is a store");
  for (const std::string& name : names)
    if (!KindOfRun(name).empty())
      return RefuseFolder(run, absl::StrCat(" holds runs, ", name, " among them"));
  return RefuseFolder(run, absl::StrCat(" is no folder of a run, and holds ", names[0]));
}

absl::StatusOr<FileLock> ClaimFolder(const std::string& run, absl::Duration patience,
                                     const StopSignals* stop) {
  QH_RETURN_IF_ERROR(CheckMayHoldARun(run));
  const absl::Time give_up = absl::Now() + patience;
  const std::string holder = absl::StrCat("host ", HostName(), ", process ", getpid(), "\n");
  for (bool said = false;;) {
    absl::StatusOr<FileLock> lock = FileLock::OfFile(LockPath(run), holder);
    if (!absl::IsUnavailable(lock.status())) return lock;
    if (absl::Now() >= give_up) break;
    if (stop != nullptr && stop->Requested())
      return absl::CancelledError(
          absl::StrCat("stopped, as asked, while another process trains in ", run));
    if (!said) absl::FPrintF(stderr, "waiting for the process that trains in %s to end\n", run);
    said = true;
    absl::SleepFor(absl::Milliseconds(200));
  }
  const absl::StatusOr<std::string> other = ReadFile(LockPath(run));
  return absl::FailedPreconditionError(
      absl::StrCat(run, ": another process is training in this run (",
                   other.ok() ? std::string(absl::StripAsciiWhitespace(*other)) : "unknown",
                   "): wait until it ends, or choose another --run; if its host is gone, remove ",
                   LockPath(run)));
}

bool IsUnclaimed(const std::string& run) { return FileLock::IsFree(LockPath(run)); }

absl::Status CheckFolderOfRuns(const std::string& folder, absl::string_view run) {
  if (IsARun(folder))
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

std::vector<std::string> RunsIn(const std::string& folder) {
  std::vector<std::string> runs;
  for (const std::string& name : NamesOfRuns(folder)) {
    const std::string path = absl::StrCat(folder, "/", name);
    if (IsARun(path)) {
      runs.push_back(name);
    } else if (KindOfRun(name) == kSplitRun) {
      for (const std::string& of_seed : NamesOfRuns(path))
        if (IsARun(absl::StrCat(path, "/", of_seed)))
          runs.push_back(absl::StrCat(name, "/", of_seed));
    }
  }
  return runs;
}

}  // namespace quadhop
