// Owners of partitions for tests.
#pragma once

#include <cstdint>

#include "comm/sums/partition_owners.h"

namespace quadhop {

// Runs of partitions, as even as may be.
inline PartitionOwners EvenOwners(int32_t num_partitions, int32_t num_ranks) {
  PartitionOwners owners;
  for (int32_t r = 0; r <= num_ranks; ++r) owners.first.push_back(num_partitions * r / num_ranks);
  return owners;
}

}  // namespace quadhop
