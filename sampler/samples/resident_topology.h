// The part of the graph that a rank's training needs, in memory.
#pragma once

#include <absl/types/span.h>

#include <cstdint>
#include <vector>

#include "core/base/ids.h"
#include "core/store/topology.h"
#include "core/threads/thread_pool.h"

namespace quadhop {

// Out-neighbours of training nodes and of their out-neighbours, copied: 2-hop samples of training
// nodes drawn from it are those of the whole graph. Immutable, thread-safe.
class ResidentTopology {
 public:
  // training: this rank's training nodes. Borrows nothing.
  static ResidentTopology Build(const Topology& whole, absl::Span<const GlobalId> training,
                                ThreadPool& pool);

  // All N nodes; those whose rows are not kept have no arcs. Lives as long as this object.
  Topology topology() const { return {indptr_, indices32_, indices64_}; }
  int64_t bytes() const;

 private:
  std::vector<int64_t> indptr_;      // [N + 1]
  std::vector<uint32_t> indices32_;  // one of the two, as in the whole
  std::vector<int64_t> indices64_;
};

// What ResidentTopology::Build would take, in bytes.
int64_t ResidentTopologyBytes(const Topology& whole, absl::Span<const GlobalId> training);

}  // namespace quadhop
