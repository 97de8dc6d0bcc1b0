// How the partitions of a store hang together.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <vector>

#include "core/store/store.h"
#include "core/threads/thread_pool.h"
#include "partition/cuts/cut_quality.h"

namespace quadhop {

struct PartitionMap {
  CutQuality quality;                     // training nodes are not looked at
  std::vector<std::vector<int64_t>> cut;  // [P][P]: arcs from one to the other
};

// Reads every arc. A function of the store, not of the threads. Errors are the store's.
absl::StatusOr<PartitionMap> MapPartitions(const Store& store, ThreadPool& pool);

}  // namespace quadhop
