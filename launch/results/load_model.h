// The model of a checkpoint, on the store that it was trained on or on another.
#pragma once

#include <absl/status/statusor.h>

#include <memory>

#include "launch/training/jobs.h"
#include "launch/training/session.h"

namespace quadhop {

// Collective. Of another store than the run's, features, hops, encodings and classes must be as
// many, and if the run's store is still there, made by the same options and of the same names:
// kFailedPrecondition names what differs. Rank 0 says what could not be compared.
absl::StatusOr<std::unique_ptr<Session>> LoadModel(const CheckpointJob& job,
                                                   const RankContext& context);

}  // namespace quadhop
