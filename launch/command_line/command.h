// What every subcommand of quadhop is.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <string>

namespace quadhop {

// The exit codes of the program (DESIGN.md section 2). A Status that is not OK becomes kUsage if
// IsUsageError, else kFailed.
// launch passes on the code of the job that it ran, whatever it is.
enum class ExitCode : int { kDone = 0, kFailed = 1, kUsage = 2, kResumable = 75 };

struct Command {
  absl::string_view name;
  absl::string_view summary;  // one line
  // `arguments`: what follows the command's name.
  absl::StatusOr<ExitCode> (*run)(absl::Span<const std::string> arguments);
  // Whether processes that were started together do it together, or some of what it does. Others
  // are the work of one process.
  bool on_ranks = false;
};

}  // namespace quadhop
