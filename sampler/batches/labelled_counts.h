// How many nodes of each part of a split have a label, by partition.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/store/store.h"

namespace quadhop {

struct LabelledCounts {
  std::vector<std::array<int64_t, 4>> of_partition;  // [P], by SplitPart; empty: nothing is counted

  int64_t Of(SplitPart part, int32_t partition) const {
    return of_partition[static_cast<size_t>(partition)][static_cast<size_t>(part)];
  }
  int64_t Of(SplitPart part) const {  // over all partitions
    int64_t nodes = 0;
    for (const auto& counts : of_partition) nodes += counts[static_cast<size_t>(part)];
    return nodes;
  }
};

}  // namespace quadhop
