// The order of nodes in a store that was cut: by part, and within a part so that neighbours are
// near.
#pragma once

#include <absl/types/span.h>

#include <cstdint>
#include <vector>

#include "core/store/topology.h"
#include "core/threads/thread_pool.h"

namespace quadhop {

// The nodes of each part.
struct PartGroups {
  std::vector<int64_t> offsets;  // [P + 1]
  std::vector<int64_t> nodes;    // [N]: of part p at [offsets[p], offsets[p + 1])

  // In ascending order within a part.
  static PartGroups Of(absl::Span<const int32_t> part_of, int32_t parts);
  absl::Span<const int64_t> Part(size_t part) const {
    return absl::MakeConstSpan(nodes).subspan(
        static_cast<size_t>(offsets[part]), static_cast<size_t>(offsets[part + 1] - offsets[part]));
  }
};

// Reorders the nodes of each part breadth-first along arcs inside the part, each search from the
// node with the most arcs that is not reached yet (the lowest of several); neighbours are taken in
// ascending order. So hubs stand first and a node's neighbours close together. A function of its
// arguments.
void OrderForLocality(const Topology& topology, absl::Span<const int32_t> part_of, ThreadPool& pool,
                      PartGroups& groups);

}  // namespace quadhop
