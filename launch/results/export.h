// What export does once its arguments are read.
#pragma once

#include <absl/status/status.h>

#include <string>

#include "launch/results/checkpoint_job.h"

namespace quadhop {

// Writes the weights, and the codes of the store's nodes, as safetensors under the paper code's
// names. On one rank.
absl::Status Export(const CheckpointJob& job, const std::string& out);

}  // namespace quadhop
