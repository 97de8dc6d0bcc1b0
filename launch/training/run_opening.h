// The first lines of a run: what is trained, and on what.
#pragma once

#include <cstdint>
#include <string>

#include "launch/display/train_display.h"
#include "launch/session/session.h"
#include "launch/training/train_job.h"

namespace quadhop {

// Also warns if the store has many partitions or no validation nodes, if its features are so wide
// that their first map takes most of a step, or if classes have no training nodes. On rank 0.
void IntroduceRun(Session& session, TrainDisplay& display);
// Warns if the run has few steps, or so few training nodes and epochs that its codebook starts late
// or never: until then nodes attend to random centroids. config: as it was asked for. To be called
// once the model is the one that will be trained. On rank 0.
void WarnOfShortTraining(Session& session, const TrainConfig& config, TrainDisplay& display);

// What to say of a disk with `free_bytes` before a run that is to have `copies` checkpoints on it
// at a time; "" if there is room.
std::string DiskAdvice(int64_t checkpoint_bytes, int64_t copies, int64_t free_bytes);
// Warns if the disk of the run has no room for the checkpoints to come: all that a new run keeps
// and one more, or one of a run that is resumed. On rank 0.
void WarnOfDisk(Session& session, const TrainJob& job, TrainDisplay& display);

}  // namespace quadhop
