// The schedule of the learning rate.
#pragma once

#include <cstdint>

#include "launch/config.pb.h"

namespace quadhop {

// The learning rate of step `step` (from 0) of `num_steps`.
double LearningRate(const TrainConfig& config, int64_t step, int64_t num_steps);

}  // namespace quadhop
