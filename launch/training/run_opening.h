// The first lines of a run: what is trained, and on what.
#pragma once

#include "launch/display/train_display.h"
#include "launch/session/session.h"

namespace quadhop {

// Also warns if the store has many partitions or no validation nodes, if its features are so wide
// that their first map takes most of a step, or if classes have no training nodes. On rank 0.
void IntroduceRun(Session& session, TrainDisplay& display);
// Warns if the run has few steps, or so few training nodes and epochs that its codebook starts late
// or never: until then nodes attend to random centroids. config: as it was asked for. To be called
// once the model is the one that will be trained. On rank 0.
void WarnOfShortTraining(Session& session, const TrainConfig& config, TrainDisplay& display);

}  // namespace quadhop
