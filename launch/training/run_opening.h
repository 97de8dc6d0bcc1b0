// The first lines of a run: what is trained, and on what.
#pragma once

#include "launch/display/train_display.h"
#include "launch/session/session.h"

namespace quadhop {

// Says also what of the store is to be minded: many partitions, no validation nodes. On rank 0.
void IntroduceRun(Session& session, TrainDisplay& display);
// Says it if the run has few steps, or so few training nodes and epochs that its codebook starts
// late or never: until then nodes attend to random centroids. config: as it was asked for. Once the
// model is the one that will be trained. On rank 0.
void WarnOfShortTraining(Session& session, const TrainConfig& config, TrainDisplay& display);

}  // namespace quadhop
