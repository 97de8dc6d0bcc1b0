// What a resumed run may change.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <vector>

#include "launch/config.pb.h"

namespace quadhop {

// The fields that differ and are allowed to (config.proto marks these), each as "train.epochs: 3,
// now 5". kFailedPrecondition, naming all of them, if fields differ on which the run's results
// depend. Both configs have every field set.
absl::StatusOr<std::vector<std::string>> ChangesOnResume(const Config& before, const Config& now);

}  // namespace quadhop
