// One process at a time trains in a run: the lock on its folder.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <string>

#include "core/file_lock.h"

namespace quadhop {

// The lock on the folder of a run, which is there; another process's is waited for so long.
// kFailedPrecondition, saying what to do, if another process keeps it, naming that.
absl::StatusOr<FileLock> ClaimFolder(const std::string& run, absl::Duration patience);

// Whether it is certain that no process has the lock; as this host sees it.
bool IsUnclaimed(const std::string& run);

}  // namespace quadhop
