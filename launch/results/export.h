// What export does once its arguments are read.
#pragma once

#include <absl/status/status.h>

#include <string>

#include "launch/results/checkpoint_job.h"

namespace quadhop {

// Writes the weights, and with the store (that of the run, if the job names none) the codes of its
// nodes, as safetensors under the paper code's names. On one rank.
absl::Status Export(const CheckpointJob& job, bool with_codes, const std::string& out);

}  // namespace quadhop
