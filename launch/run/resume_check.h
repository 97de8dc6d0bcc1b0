// What a resumed run may change.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <vector>

#include "launch/config.pb.h"

namespace quadhop {

// The fields that differ and may (config.proto marks them), each as "train.epochs: 3, now 5".
// kFailedPrecondition, naming all at once, if one differs that what the run computes depends on.
// Both configs have every field set.
absl::StatusOr<std::vector<std::string>> ChangesOnResume(const Config& before, const Config& now);

}  // namespace quadhop
