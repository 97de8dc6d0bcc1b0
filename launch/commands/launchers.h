// Where `quadhop launch` can run a job; each has flags of its own.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <cstdint>
#include <string>

#include "launch/command_line/command.h"

namespace quadhop {

absl::StatusOr<ExitCode> LaunchLocal(absl::Span<const std::string> arguments);
absl::StatusOr<ExitCode> LaunchHosts(absl::Span<const std::string> arguments);
absl::StatusOr<ExitCode> LaunchSlurm(absl::Span<const std::string> arguments);

// A usage error unless `job` is a command of this program, one that so many ranks do together, and,
// where it may be restarted, train.
absl::Status CheckJob(absl::Span<const std::string> job, int64_t num_ranks, int64_t max_restarts);

// Whether train, with such arguments (train_command.cc), can begin on so many ranks, as far as this
// host sees before it is started there: a usage error of the arguments or the config, what keeps
// the run from beginning or going on in its folder (CheckStart, ChangesOnResume), errors of reading
// the store, a store that lacks what the config takes (CheckTrainable) or partitions for all ranks.
// A store that is not there is only warned of.
absl::Status CheckTraining(absl::Span<const std::string> arguments, int num_ranks);

}  // namespace quadhop
