// Running a command, or one of its subcommands, as `launch` and `bench` have them: the first
// argument names one.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <string>

#include "launch/command_line/command.h"

namespace quadhop {

// Runs a command, which people know by `name`. A usage error, before it reads or writes anything,
// if it is the work of one process and several were started.
absl::StatusOr<ExitCode> RunCommand(const Command& command, absl::string_view name,
                                    absl::Span<const std::string> arguments);

struct CommandGroup {
  absl::string_view name;     // "launch"
  absl::string_view which;    // what the first argument is called: "WHERE"
  absl::string_view summary;  // a sentence
  absl::string_view usage;    // what follows WHERE
  absl::string_view example;  // lines of the help, one command line each
  absl::Span<const Command> members;
};

// Runs the member named by arguments[0] with the other arguments, or prints the help. A UsageError
// if no member has that name.
absl::StatusOr<ExitCode> RunGroup(const CommandGroup& group,
                                  absl::Span<const std::string> arguments);

}  // namespace quadhop
