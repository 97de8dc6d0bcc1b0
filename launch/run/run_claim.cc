#include "launch/run/run_claim.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/time/clock.h>
#include <unistd.h>

#include <cstdio>

#include "core/base/status.h"
#include "core/files/file.h"
#include "launch/ranks/host_name.h"
#include "launch/run/run_paths.h"

namespace quadhop {

absl::StatusOr<FileLock> ClaimFolder(const std::string& run, absl::Duration patience) {
  const absl::Time give_up = absl::Now() + patience;
  const std::string holder = absl::StrCat("host ", HostName(), ", process ", getpid(), "\n");
  for (bool said = false;;) {
    absl::StatusOr<FileLock> lock = FileLock::OfFile(RunLockPath(run), holder);
    if (!absl::IsUnavailable(lock.status())) return lock;
    if (absl::Now() >= give_up) break;
    if (!said) absl::FPrintF(stderr, "waiting for the process that trains in %s to end\n", run);
    said = true;
    absl::SleepFor(absl::Milliseconds(200));
  }
  const absl::StatusOr<std::string> other = ReadRegularFile(RunLockPath(run));
  return absl::FailedPreconditionError(
      absl::StrCat(run, ": another process is training in this run (",
                   other.ok() ? std::string(absl::StripAsciiWhitespace(*other)) : "unknown",
                   "): wait until it ends, or choose another --run; if its host is gone, remove ",
                   RunLockPath(run)));
}

bool IsUnclaimed(const std::string& run) { return FileLock::IsFree(RunLockPath(run)); }

}  // namespace quadhop
