// The subcommands of quadhop.
#pragma once

#include <absl/types/span.h>

#include <string>

#include "launch/command_line/command.h"

namespace quadhop {

// In the order of the help: the way of the data. One command is one file, NAME_command.cc; launch
// has one more for each of its own commands.
absl::Span<const Command> Commands();

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

// Runs `quadhop arguments...`: dispatches, prints an error to stderr, and says how the process
// should end.
ExitCode RunCommandLine(absl::Span<const std::string> arguments);

}  // namespace quadhop
