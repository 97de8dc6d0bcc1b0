// Training on a store, from a job to its exit code.
#pragma once

#include <absl/status/statusor.h>

#include "launch/command_line/exit_code.h"
#include "launch/ranks/runtime.h"
#include "launch/training/train_job.h"

namespace quadhop {

// kDone when the run is finished; kResumable when it was asked to stop and wrote a checkpoint. An
// error on any rank is an error of the job: RunRanks ends the others. Collective.
absl::StatusOr<ExitCode> Train(const TrainJob& job, const RankContext& context);

}  // namespace quadhop
