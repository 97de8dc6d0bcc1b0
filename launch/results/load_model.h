// The model of a checkpoint, on the store that it was trained on or on another.
#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <string>

#include "launch/results/checkpoint_job.h"
#include "launch/session/session.h"

namespace quadhop {

// What the model is for: to be measured by the store's labels, or to predict without them.
enum class Use { kMeasure, kPredict };

// Collective. If the store is not the run's, its features, hops, encodings and classes must be as
// many, made by the same options and with the same names as when the run was trained, and encodings
// must mean the same: kFailedPrecondition names what differs. For kPredict the store needs no
// classes and no splits. Rank 0 says what could not be compared. split: "" is the one that the run
// was trained on.
absl::StatusOr<std::unique_ptr<Session>> LoadModel(const CheckpointJob& job,
                                                   const std::string& split, Use use,
                                                   const RankContext& context);

}  // namespace quadhop
