// Whether all ranks of a job were given the same config.
#pragma once

#include <absl/status/status.h>

#include <string>

#include "comm/collectives/communicator.h"
#include "launch/config.pb.h"

namespace quadhop {

// An error of AgreeOnStatus, naming the fields, if a rank's config or split, by name or "", differs
// from rank 0's: hosts may have files of their own. Every field of `config` is set. Collective.
absl::Status CheckSameConfig(Communicator& comm, const Config& config, const std::string& split);

}  // namespace quadhop
