#include "partition/cuts/partitioner.h"

namespace quadhop {

absl::StatusOr<std::unique_ptr<Partitioner>> MakePtscotchPartitioner(Communicator*) {
  return absl::UnavailableError(
      "built without PT-Scotch: install libptscotch-dev and configure with -DQH_PTSCOTCH=ON and "
      "-DQH_MPI=ON, or cut by multilevel instead");
}

}  // namespace quadhop
