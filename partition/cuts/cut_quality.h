// How good a cut is.
#pragma once

#include <absl/types/span.h>

#include <cstdint>
#include <vector>

#include "core/store/topology.h"
#include "core/threads/thread_pool.h"
#include "partition/graph/node_order.h"

namespace quadhop {

struct PartFigures {
  int64_t nodes = 0;
  int64_t arcs = 0;        // from its nodes
  int64_t cut_arcs = 0;    // of those, into other parts
  int64_t train = 0;       // training nodes
  int64_t halo_nodes = 0;  // distinct nodes of other parts that its arcs lead to
};

struct CutQuality {
  std::vector<PartFigures> parts;  // [P]
  // The share of a 2-hop sample that lies in a part other than that of the node sampled for. An
  // estimate from 4096 training nodes (all nodes if there are none), 32 uniform paths of one or two
  // arcs each; rows that several nodes of a batch share are counted for each of them.
  double remote_share = 0;

  PartFigures Total() const;

  // `groups` are the nodes by part. A function of its arguments, not of the threads.
  static CutQuality Of(const Topology& topology, absl::Span<const int32_t> part_of,
                       absl::Span<const uint8_t> train,  // [N] or empty
                       const PartGroups& groups, ThreadPool& pool);
};

}  // namespace quadhop
