#include "partition/cuts/metis_graph.h"
#include "partition/cuts/partitioner.h"

namespace quadhop {

absl::StatusOr<std::unique_ptr<Partitioner>> MakeMetisPartitioner() {
  return absl::UnavailableError(
      "built without METIS: install libmetis-dev and configure with -DQH_METIS=ON, or cut by hash "
      "instead");
}

absl::StatusOr<std::vector<int32_t>> CutMetisGraph(MetisGraph, int32_t, uint64_t) {
  return MakeMetisPartitioner().status();
}

}  // namespace quadhop
