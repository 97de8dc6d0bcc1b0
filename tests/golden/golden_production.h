// The production model, in float, on a golden case.
#pragma once

#include <absl/status/statusor.h>

#include "tests/golden/golden_check.h"

namespace quadhop::golden {

// kInvalidArgument if the case's state has not the names or dims of the model's.
absl::StatusOr<GoldenOutcome> RunProduction(const GoldenCase& golden);

}  // namespace quadhop::golden
