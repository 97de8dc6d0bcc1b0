#include "partition/partitioner.h"

namespace quadhop {

absl::StatusOr<std::unique_ptr<Partitioner>> MakeMetisPartitioner() {
  return absl::UnavailableError(
      "built without METIS: install libmetis-dev and configure with -DQH_METIS=ON, or use --method "
      "hash");
}

}  // namespace quadhop
