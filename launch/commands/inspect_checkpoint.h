// What inspect shows about a checkpoint.
#pragma once

#include <absl/status/status.h>

#include <string>

namespace quadhop {

// Prints it from the checkpoint's manifest alone. kDataLoss, kFailedPrecondition: see
// ReadCheckpointManifest.
absl::Status InspectCheckpoint(const std::string& path, bool as_json);

}  // namespace quadhop
