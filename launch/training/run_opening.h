// The first lines of a run: what is trained, and on what.
#pragma once

#include "launch/display/train_display.h"
#include "launch/session/session.h"

namespace quadhop {

// Says also what of the store is to be minded: many partitions, no validation nodes. On rank 0.
void IntroduceRun(Session& session, TrainDisplay& display);
// Says it if the run has too few training nodes and epochs for its codebook to start: until then
// nodes attend to random centroids. Once the model is the one that will be trained. On rank 0.
void WarnOfCodebook(Session& session, TrainDisplay& display);

}  // namespace quadhop
