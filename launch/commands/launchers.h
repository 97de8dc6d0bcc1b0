// Where `quadhop launch` can run a job; each has flags of its own.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <cstdint>
#include <string>

#include "launch/cluster/job_words.h"
#include "launch/command_line/command.h"
#include "launch/command_line/flags.h"

namespace quadhop {

absl::StatusOr<ExitCode> LaunchLocal(absl::Span<const std::string> arguments);
absl::StatusOr<ExitCode> LaunchHosts(absl::Span<const std::string> arguments);
absl::StatusOr<ExitCode> LaunchSlurm(absl::Span<const std::string> arguments);

// The target of COMMAND, and of --max-restarts where mpirun is started again.
void AddJob(Flags* flags, JobWords* job);
void AddMaxRestarts(Flags* flags, int64_t* max_restarts);

// A usage error unless `job` is a command of this program that num_ranks ranks can run together
// and, if max_restarts > 0, is train.
absl::Status CheckJob(absl::Span<const std::string> job, int64_t num_ranks, int64_t max_restarts);

// Whether train, with these arguments (train_command.cc), can begin on num_ranks ranks, as far as
// this host can see before the job starts. Errors: a usage error in the arguments or the config,
// whatever keeps the run from beginning or going on in its folder (CheckStart, ChangesOnResume),
// errors of reading the store, a store that lacks what the config needs (CheckTrainable) or has too
// few partitions for the ranks. A missing store causes only a warning.
absl::Status CheckTraining(absl::Span<const std::string> arguments, int num_ranks);

}  // namespace quadhop
