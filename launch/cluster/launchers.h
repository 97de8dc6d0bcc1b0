// Where `quadhop launch` can run a job; each has flags of its own.
#pragma once

#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <string>

#include "launch/commands/command.h"

namespace quadhop {

absl::StatusOr<ExitCode> LaunchLocal(absl::Span<const std::string> arguments);
absl::StatusOr<ExitCode> LaunchHosts(absl::Span<const std::string> arguments);
absl::StatusOr<ExitCode> LaunchSlurm(absl::Span<const std::string> arguments);

}  // namespace quadhop
