// Are values that should be equal on all ranks equal? Silent divergence is an error.
#pragma once

#include <absl/status/status.h>
#include <absl/strings/string_view.h>

#include <cstdint>

#include "comm/collectives/communicator.h"

namespace quadhop {

// Compares a hash of `what` ("the weights after step 300") over all ranks. kDataLoss, on every
// rank, if they are not all equal: it names the ranks that differ from the most common hash.
// Collective.
absl::Status CheckReplicasAgree(Communicator& comm, absl::string_view what, uint64_t hash);

}  // namespace quadhop
