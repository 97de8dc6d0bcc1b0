// How the program ends, and errors in the command line.
#pragma once

#include <absl/status/status.h>
#include <absl/strings/string_view.h>

namespace quadhop {

// The exit codes of the program (DESIGN.md section 2). A Status that is not OK becomes kUsage if
// IsUsageError, else kFailed. launch passes on the code of the job that it ran, whatever it is.
enum class ExitCode : int { kDone = 0, kFailed = 1, kUsage = 2, kResumable = 75 };

// An error in the command line (exit code 2), as opposed to a failure of the work (exit code 1).
absl::Status UsageError(absl::string_view message);
bool IsUsageError(const absl::Status& status);

// A usage error of one of the commands that a command is, "slurm" of launch; and which one that
// is, or "".
absl::Status InMember(absl::string_view member, absl::Status usage_error);
std::string MemberOf(const absl::Status& status);

}  // namespace quadhop
