// Runs a job, and restarts it from its newest checkpoint if it fails on the way.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "launch/cluster/job_words.h"
#include "launch/command_line/exit_code.h"

namespace quadhop {

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
