// Runs a job, and restarts it from its newest checkpoint if it fails on the way.
#pragma once

#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "launch/command_line/exit_code.h"

namespace quadhop {

// A command of quadhop with its flags, as it stands on a command line: "train", "--store", ...
using JobWords = std::vector<std::string>;

// Whether `job` can be resumed after it ends.
inline bool IsTraining(absl::Span<const std::string> job) { return job[0] == "train"; }

// The value of --name in `job`; "" if it is not there.
std::string FlagOfJob(absl::Span<const std::string> job, absl::string_view name);

// `job` without --name and its value.
JobWords WithoutFlag(absl::Span<const std::string> job, absl::string_view name);

// Whether the switch --name is in `job`.
bool HasSwitch(absl::Span<const std::string> job, absl::string_view name);

// `job` as it is resumed: with --resume, without --overwrite.
JobWords WithResume(absl::Span<const std::string> job);

// Starts the job with the mpirun command that `command_of` returns for it, and returns its exit
// code. The job is restarted, at most max_restarts times, if a rank was killed, or if it failed but
// got further than before: to a newer checkpoint, or a later step in its metrics, in any of its
// runs if it trains over seeds or splits. It is not restarted if it ended well, stopped on request
// (75), was used wrongly, or failed where it failed before, for it would again. Training that was
// asked to stop while it started, so that SIGUSR1 ended it, returns kResumable. Every start and end
// is reported on stderr.
absl::StatusOr<ExitCode> RunWithRestarts(
    const JobWords& job, int64_t max_restarts,
    const std::function<absl::StatusOr<std::vector<std::string>>(const JobWords&)>& command_of);

}  // namespace quadhop
