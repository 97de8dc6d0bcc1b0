// Which folders runs stand in and may stand in, and that one process at a time trains in a run.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include <string>
#include <vector>

#include "core/file_lock.h"
#include "launch/ranks/stop_signals.h"

namespace quadhop {

// Whether `run` may be the folder of a run: kFailedPrecondition if it cannot be made or written, or
// if it is neither empty nor one that a run has begun, naming what it is.
absl::Status CheckMayHoldARun(const std::string& run);

// The lock on the folder of a run, which is there; another process's is waited for so long, or
// until `stop` (nullptr: nobody) asks for a stop: kCancelled. kFailedPrecondition, saying what to
// do, if another process keeps it, naming that, or if CheckMayHoldARun finds something.
absl::StatusOr<FileLock> ClaimFolder(const std::string& run, absl::Duration patience,
                                     const StopSignals* stop);

// Whether it is certain that no process has the lock; as this host sees it.
bool IsUnclaimed(const std::string& run);

// Whether one of the runs over seeds or splits, or a folder of such, may stand in the folder as
// `run` ("seed-3", "split-NAME"): kFailedPrecondition, saying what the folder is or holds, if it is
// neither new, nor empty, nor has others of that kind alone.
absl::Status CheckFolderOfRuns(const std::string& folder, absl::string_view run);

// The runs over seeds or splits in a folder, by their names in it: "seed-3", "split-NAME/seed-3".
// Splits by name, seeds by number.
std::vector<std::string> RunsIn(const std::string& folder);

}  // namespace quadhop
