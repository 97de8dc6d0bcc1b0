// The reference model on a golden case.
#pragma once

#include <absl/status/statusor.h>

#include "tests/golden/golden_check.h"

namespace quadhop::golden {

// kInvalidArgument if the case lacks a weight of its model, or has it in other dims.
absl::StatusOr<GoldenOutcome> RunReference(const GoldenCase& golden);  // in double
absl::StatusOr<GoldenOutcome> RunReferenceInFloat(const GoldenCase& golden);

}  // namespace quadhop::golden
