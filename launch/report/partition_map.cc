#include "launch/report/partition_map.h"

#include <algorithm>

#include "core/status.h"
#include "core/visit_indices.h"

namespace quadhop {
namespace {

// Row p of the map. seen: a bit a node, all 0 before.
template <typename Index>
void MapPartition(const Topology& topology, absl::Span<const Index> indices,
                  absl::Span<const int64_t> offsets, size_t p, std::vector<bool>& seen,
                  PartitionMap& map) {
  const int64_t begin = topology.indptr[static_cast<size_t>(offsets[p])];
  const int64_t end = topology.indptr[static_cast<size_t>(offsets[p + 1])];
  map.nodes[p] = offsets[p + 1] - offsets[p];
  map.arcs[p] = end - begin;
  for (int64_t arc = begin; arc < end; ++arc) {
    const auto to = static_cast<int64_t>(indices[static_cast<size_t>(arc)]);
    const auto q = static_cast<size_t>(std::upper_bound(offsets.begin(), offsets.end(), to) -
                                       offsets.begin() - 1);
    ++map.cut[p][q];
    if (q == p || seen[static_cast<size_t>(to)]) continue;
    seen[static_cast<size_t>(to)] = true;
    ++map.halo_nodes[p];
  }
}

}  // namespace

absl::StatusOr<PartitionMap> MapPartitions(const Store& store, ThreadPool& pool) {
  QH_ASSIGN_OR_RETURN(const Topology topology, store.topology());
  const absl::Span<const int64_t> offsets(
      store.manifest().partition_offsets().data(),
      static_cast<size_t>(store.manifest().partition_offsets_size()));
  const size_t parts = offsets.size() - 1;
  PartitionMap map;
  map.nodes.resize(parts);
  map.arcs.resize(parts);
  map.halo_nodes.resize(parts);
  map.cut.assign(parts, std::vector<int64_t>(parts));
  pool.ParallelFor(static_cast<int64_t>(parts), [&](int64_t p, int) {
    std::vector<bool> seen(static_cast<size_t>(store.num_nodes()));
    VisitIndices(topology, [&](auto indices) {
      MapPartition(topology, indices, offsets, static_cast<size_t>(p), seen, map);
    });
  });
  return map;
}

}  // namespace quadhop
