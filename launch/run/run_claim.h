// One process at a time trains in a run: the lock on its folder.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <string>

#include "core/files/file_lock.h"

namespace quadhop {

// Takes the lock on the folder of a run, which must exist. Waits up to `patience` if another
// process has it; kFailedPrecondition, naming that process and what to do, if it keeps the lock.
absl::StatusOr<FileLock> ClaimFolder(const std::string& run, absl::Duration patience);

// Whether it is certain, as far as this host sees, that no process has the lock.
bool IsUnclaimed(const std::string& run);

}  // namespace quadhop
