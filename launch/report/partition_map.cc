#include "launch/report/partition_map.h"

#include <algorithm>

#include "core/base/status.h"
#include "core/store/topology.h"

namespace quadhop {

absl::StatusOr<PartitionMap> MapPartitions(const Store& store, ThreadPool& pool) {
  QH_ASSIGN_OR_RETURN(const Topology topology, store.topology());
  const absl::Span<const int64_t> offsets(
      store.manifest().partition_offsets().data(),
      static_cast<size_t>(store.manifest().partition_offsets_size()));
  const size_t parts = offsets.size() - 1;
  std::vector<int32_t> part_of(static_cast<size_t>(store.num_nodes()));
  for (size_t p = 0; p < parts; ++p)
    std::fill(part_of.begin() + offsets[p], part_of.begin() + offsets[p + 1],
              static_cast<int32_t>(p));
  PartitionMap map;
  map.quality = CutQuality::Of(topology, part_of, /*train=*/{},
                               PartGroups::Of(part_of, static_cast<int32_t>(parts)), pool);
  map.cut.assign(parts, std::vector<int64_t>(parts));
  VisitIndices(topology, [&](auto indices) {
    pool.ParallelFor(static_cast<int64_t>(parts), [&](int64_t part, int) {
      const auto p = static_cast<size_t>(part);
      const int64_t end = topology.indptr[static_cast<size_t>(offsets[p + 1])];
      for (int64_t arc = topology.indptr[static_cast<size_t>(offsets[p])]; arc < end; ++arc) {
        const auto to = static_cast<size_t>(indices[static_cast<size_t>(arc)]);
        ++map.cut[p][static_cast<size_t>(part_of[to])];
      }
    });
  });
  return map;
}

}  // namespace quadhop
