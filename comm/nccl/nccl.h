// Ranks that have a GPU each, and exchange over NCCL. Built without CUDA or NCCL, the factory
// returns kUnavailable and says which option to set.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <memory>

#include "comm/collectives/communicator.h"

namespace quadhop {

// A communicator of the ranks of `bootstrap`, which is duplicated and need not outlive it. Buffers
// may be in the memory of the rank's GPU, where all work on them is done, or in the host's: those
// are copied to the GPU and back.
//
// Before each transfer ranks meet over the bootstrap, which names ranks that do not come and finds
// sizes that do not agree: NCCL would wait for ever. At these meetings rank 0 also says which
// transfer is next among those of all duplicates, and ranks launch them in this one order, since
// transfers that wait for each other's place on a GPU would never end. A transfer that fails or
// outlasts `deadline`, which is finite, is aborted. Abort ends this rank's waits for transfers;
// those of other ranks, if these are threads, end by the deadline.
//
// local_rank: among the ranks of the host; the GPU is that of Device::Open. kFailedPrecondition,
// naming the ranks, if two have the same GPU, which NCCL does not allow. Collective; a rank that
// gets an error may leave others waiting in the midst of this call, so its caller must abort the
// job, as RunRanks does.
absl::StatusOr<std::unique_ptr<Communicator>> MakeNcclCommunicator(Communicator& bootstrap,
                                                                   int local_rank,
                                                                   absl::Duration deadline);

}  // namespace quadhop
