#include "comm/nccl/nccl.h"

namespace quadhop {

absl::StatusOr<std::unique_ptr<Communicator>> MakeNcclCommunicator(Communicator&, int,
                                                                   absl::Duration) {
  return absl::UnavailableError(
      "built without NCCL: configure with -DQH_CUDA=ON -DQH_NCCL=ON (cmake --preset cuda)");
}

}  // namespace quadhop
