#include "partition/graph/node_order.h"

#include <algorithm>

#include "core/store/topology.h"

namespace quadhop {
namespace {

// One part's nodes; `reached` [N] is 0 for them before and 1 after.
template <typename Index>
void OrderPart(const Topology& topology, absl::Span<const Index> indices,
               absl::Span<const int32_t> part_of, absl::Span<uint8_t> reached,
               absl::Span<int64_t> nodes) {
  std::vector<int64_t> starts(nodes.begin(), nodes.end());
  std::stable_sort(starts.begin(), starts.end(),
                   [&](int64_t a, int64_t b) { return topology.degree(a) > topology.degree(b); });
  size_t num_ordered = 0, num_expanded = 0;
  const auto reach = [&](int64_t node) {
    uint8_t& mark = reached[static_cast<size_t>(node)];
    if (mark == 0) nodes[num_ordered++] = node;
    mark = 1;
  };
  for (const int64_t start : starts) {
    reach(start);
    for (; num_expanded < num_ordered; ++num_expanded) {
      const int64_t node = nodes[num_expanded];
      const int32_t part = part_of[static_cast<size_t>(node)];
      for (const auto neighbor : NeighborsOf(topology, indices, node))
        if (part_of[static_cast<size_t>(neighbor)] == part) reach(static_cast<int64_t>(neighbor));
    }
  }
}

}  // namespace

PartGroups PartGroups::Of(absl::Span<const int32_t> part_of, int32_t parts) {
  PartGroups groups;
  groups.offsets.resize(static_cast<size_t>(parts) + 1);
  groups.nodes.resize(part_of.size());
  for (const int32_t part : part_of) ++groups.offsets[static_cast<size_t>(part) + 1];
  for (size_t part = 1; part < groups.offsets.size(); ++part)
    groups.offsets[part] += groups.offsets[part - 1];
  std::vector<int64_t> next(groups.offsets.begin(), groups.offsets.end() - 1);
  for (size_t node = 0; node < part_of.size(); ++node) {
    const auto slot = next[static_cast<size_t>(part_of[node])]++;
    groups.nodes[static_cast<size_t>(slot)] = static_cast<int64_t>(node);
  }
  return groups;
}

void OrderForLocality(const Topology& topology, absl::Span<const int32_t> part_of, ThreadPool& pool,
                      PartGroups& groups) {
  std::vector<uint8_t> reached(part_of.size());
  const auto num_parts = static_cast<int64_t>(groups.offsets.size()) - 1;
  VisitIndices(topology, [&](auto indices) {
    pool.ParallelFor(num_parts, [&](int64_t part, int) {
      const auto begin = static_cast<size_t>(groups.offsets[static_cast<size_t>(part)]);
      const auto end = static_cast<size_t>(groups.offsets[static_cast<size_t>(part) + 1]);
      OrderPart(topology, indices, part_of, absl::MakeSpan(reached),
                absl::MakeSpan(groups.nodes).subspan(begin, end - begin));
    });
  });
}

}  // namespace quadhop
