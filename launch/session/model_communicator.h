// What the ranks' models exchange over.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <memory>

#include "comm/collectives/communicator.h"
#include "core/memory/memory.h"
#include "launch/ranks/runtime.h"

namespace quadhop {

// A communicator of all ranks that takes the model's memory. nullptr (use the context's) if that is
// the host's memory or there is one rank; NCCL between GPUs; if NCCL is not built in, or ranks
// share a GPU, the context's with copies through the host, and rank 0 says so. Collective.
absl::StatusOr<std::unique_ptr<Communicator>> MakeModelCommunicator(const RankContext& context,
                                                                    Memory& memory,
                                                                    absl::Duration deadline);

}  // namespace quadhop
