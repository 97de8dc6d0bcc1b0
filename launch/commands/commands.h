// The subcommands of quadhop.
#pragma once

#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <string>

#include "launch/command_line/command.h"

namespace quadhop {

// In the order of the help, which follows the data. Each command is one file, NAME_command.cc;
// launch has one more for each of its subcommands.
absl::Span<const Command> Commands();
const Command* FindCommand(absl::string_view name);  // nullptr: there is none

absl::StatusOr<ExitCode> ImportCommand(absl::Span<const std::string> arguments);
absl::StatusOr<ExitCode> PartitionCommand(absl::Span<const std::string> arguments);
absl::StatusOr<ExitCode> PropagateCommand(absl::Span<const std::string> arguments);
absl::StatusOr<ExitCode> EncodeCommand(absl::Span<const std::string> arguments);
absl::StatusOr<ExitCode> PrepCommand(absl::Span<const std::string> arguments);
absl::StatusOr<ExitCode> SynthCommand(absl::Span<const std::string> arguments);
absl::StatusOr<ExitCode> TrainCommand(absl::Span<const std::string> arguments);
absl::StatusOr<ExitCode> WatchCommand(absl::Span<const std::string> arguments);
absl::StatusOr<ExitCode> ReportCommand(absl::Span<const std::string> arguments);
absl::StatusOr<ExitCode> EvalCommand(absl::Span<const std::string> arguments);
absl::StatusOr<ExitCode> PredictCommand(absl::Span<const std::string> arguments);
absl::StatusOr<ExitCode> ExportCommand(absl::Span<const std::string> arguments);
absl::StatusOr<ExitCode> InspectCommand(absl::Span<const std::string> arguments);
absl::StatusOr<ExitCode> VerifyCommand(absl::Span<const std::string> arguments);
absl::StatusOr<ExitCode> PlanCommand(absl::Span<const std::string> arguments);
absl::StatusOr<ExitCode> DoctorCommand(absl::Span<const std::string> arguments);
absl::StatusOr<ExitCode> LaunchCommand(absl::Span<const std::string> arguments);
absl::StatusOr<ExitCode> BenchCommand(absl::Span<const std::string> arguments);

// Runs `quadhop arguments...`: dispatches, prints an error to stderr, and returns the exit code of
// the process.
ExitCode RunCommandLine(absl::Span<const std::string> arguments);

}  // namespace quadhop
