// Numbers the distinct nodes of a batch.
#pragma once

#include <absl/types/span.h>

#include <cstdint>
#include <memory_resource>
#include <vector>

#include "core/base/ids.h"

namespace quadhop {

// A hash map from nodes to rows that is rebuilt for each batch and keeps its memory: 4 bytes per
// slot, so that it stays in cache. Not thread-safe.
class UniqueRows {
 public:
  // unique [U] becomes the distinct values of `nodes` in the order of their first occurrence;
  // rows[i] the place of nodes[i] in it. Fewer than 2^31 nodes.
  void Number(absl::Span<const GlobalId> nodes, std::pmr::vector<LocalRow>& rows,
              std::vector<GlobalId>& unique);

 private:
  std::vector<int32_t> table_;  // open addressing: row, or -1 where free
};

}  // namespace quadhop
