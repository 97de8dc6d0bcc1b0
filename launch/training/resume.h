// Carrying on a run from its newest intact checkpoint.
#pragma once

#include <absl/status/statusor.h>

#include "launch/config.pb.h"
#include "launch/display/train_display.h"
#include "launch/run/run_folder.h"
#include "launch/session/session.h"
#include "launch/training/train_job.h"
#include "model/checkpoint/checkpoint.pb.h"
#include "model/parameters/adam.h"

namespace quadhop {

// Whether all epochs are trained, or patience has run out.
bool IsTrained(const TrainConfig& config, const RunPosition& position);

// Repairs what a killed process left half done, restores the model, the optimiser and `position`
// from the newest intact checkpoint, if there is one, and begins the folder. False, with a message,
// if the run was finished. A resume that is refused, or has nothing to do, makes only the repairs.
// folder: nullptr except on rank 0. Collective. Errors are the checkpoint's; kFailedPrecondition if
// the run trains on another split.
absl::StatusOr<bool> ResumeRun(const TrainJob& job, Session& session, Adam& adam, RunFolder* folder,
                               TrainDisplay& display, RunPosition& position);

}  // namespace quadhop
