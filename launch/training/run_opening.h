// The first lines of a run: what is trained, and on what.
#pragma once

#include "launch/display/train_display.h"
#include "launch/session/session.h"

namespace quadhop {

// Says also what of the store is to be minded: many partitions, no validation nodes. On rank 0.
void IntroduceRun(Session& session, TrainDisplay& display);

}  // namespace quadhop
