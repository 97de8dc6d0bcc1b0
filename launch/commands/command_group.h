// A command that is several, as `launch` and `bench`: the first argument says which.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <string>

#include "launch/command_line/command.h"

namespace quadhop {

struct CommandGroup {
  absl::string_view name;     // "launch"
  absl::string_view which;    // what the first argument is called: "WHERE"
  absl::string_view summary;  // a sentence
  absl::string_view usage;    // what stands after WHERE
  absl::string_view example;  // lines of the help, a command line each
  absl::Span<const Command> members;
};

// Runs the member that arguments[0] names with the rest, or prints the help. A UsageError if it
// names none.
absl::StatusOr<ExitCode> RunGroup(const CommandGroup& group,
                                  absl::Span<const std::string> arguments);

}  // namespace quadhop
