// Speed of the exchanges between ranks in a step: features, gradients and batch moments.
#pragma once

#include <absl/status/status.h>

#include "launch/ranks/runtime.h"

namespace quadhop {

// Prints, on rank 0, a table of the exchanges of a step at the sizes of large graphs, beside a
// plain all-to-all of the same number of bytes. Times are those of the slowest rank. Collective.
// kFailedPrecondition for one rank, which exchanges nothing; else errors are the communicator's.
absl::Status BenchExchange(const RankContext& context);

}  // namespace quadhop
