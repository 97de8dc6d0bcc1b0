#include "launch/session/model_communicator.h"

#include <absl/strings/str_cat.h>

#include <string>

#include "comm/collectives/staged_communicator.h"
#include "comm/nccl/nccl.h"
#include "core/base/warning.h"

namespace quadhop {

absl::StatusOr<std::unique_ptr<Communicator>> MakeModelCommunicator(const RankContext& context,
                                                                    Memory& memory,
                                                                    absl::Duration deadline) {
  if (memory.is_host() || context.comm.num_ranks() == 1) return nullptr;
  absl::StatusOr<std::unique_ptr<Communicator>> nccl =
      MakeNcclCommunicator(context.comm, context.local_rank, deadline);
  // These two are the same on all ranks, as they are known before any rank uses NCCL.
  if (!absl::IsUnavailable(nccl.status()) && !absl::IsFailedPrecondition(nccl.status()))
    return nccl;
  if (context.IsMain())
    PrintWarning(absl::StrCat("GPUs exchange through the host: ", nccl.status().message()));
  return MakeStagedCommunicator(context.comm, memory);
}

}  // namespace quadhop
