// A subcommand of quadhop.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <string>

#include "launch/command_line/exit_code.h"

namespace quadhop {

struct Command {
  absl::string_view name;
  absl::string_view summary;  // one line
  // `arguments`: what follows the command's name.
  absl::StatusOr<ExitCode> (*run)(absl::Span<const std::string> arguments);
  // Whether processes that were started together can do the command, or part of it, together. Other
  // commands are the work of one process.
  bool on_ranks = false;
};

}  // namespace quadhop
