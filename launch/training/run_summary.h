// The end of a run: summary.json, and the line that says the same.
#pragma once

#include <absl/status/status.h>

#include <cstdint>

#include "launch/display/train_display.h"
#include "launch/run/run_folder.h"
#include "launch/session/session.h"
#include "model/checkpoint/checkpoint.pb.h"

namespace quadhop {

// Collective. folder: nullptr but on rank 0. diverged: advice about what may be better is left out.
absl::Status SummarizeRun(Session& session, const RunPosition& position, bool diverged,
                          RunFolder* folder, int64_t num_failed_checkpoints, TrainDisplay& display);

}  // namespace quadhop
