// Which rank owns which partitions.
#pragma once

#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <cstdint>
#include <vector>

#include "core/base/ids.h"

namespace quadhop {

// Contiguous runs of partitions, in rank order.
struct PartitionOwners {
  std::vector<int32_t> first;  // [R + 1]: rank r owns partitions [first[r], first[r+1])
  int32_t num_ranks() const { return static_cast<int32_t>(first.size()) - 1; }
  int32_t num_partitions() const { return first.back(); }
  int32_t num_owned(Rank r) const {
    return first[static_cast<size_t>(r.value()) + 1] - first[static_cast<size_t>(r.value())];
  }
  // The runs of which the most expensive has the least `cost` [P]; every rank gets at least one
  // partition. kInvalidArgument if R > P, or a cost is negative or not finite.
  static absl::StatusOr<PartitionOwners> Split(absl::Span<const double> cost, int32_t num_ranks);
};

}  // namespace quadhop
