#include "comm/mpi/mpi.h"

namespace quadhop {

absl::StatusOr<std::unique_ptr<MpiRuntime>> MpiRuntime::Create(absl::Duration) {
  return absl::UnavailableError(
      "built without MPI: install libopenmpi-dev and configure with -DQH_MPI=ON, or start one rank "
      "without mpirun");
}

std::string MpiLibraryVersion() { return ""; }

}  // namespace quadhop
