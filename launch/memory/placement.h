// Where a run keeps its graph: in memory by parts, or in the mapped files of its store.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <functional>
#include <string>

#include "comm/collectives/communicator.h"
#include "launch/config.pb.h"

namespace quadhop {

// If the size of a hot set is not given: the size of all rows divided by this, as far as memory is
// left.
inline constexpr int64_t kDefaultHotSetPart = 10;

// What the choice depends on, about this rank and its host.
struct PlacementFacts {
  int32_t ranks_on_host = 1;
  int32_t first_rank_on_host = 0;     // of the job: tells hosts apart
  int64_t available_bytes = 0;        // memory that is available on the host
  int64_t working_bytes = 0;          // of a rank: its MemoryPlan
  int64_t feature_bytes = 0;          // features of all nodes, as stored
  int64_t own_feature_bytes = 0;      // of this rank's nodes
  int64_t largest_hot_set_bytes = 0;  // if it held all rows of other ranks
  int64_t forecast_bytes = 0;         // while a hot set is chosen, before rows are read
  int64_t topology_bytes = 0;
  bool samples = true;  // whether the model needs rows of other nodes than a batch's own
  std::function<int64_t()> resident_topology_bytes;  // called only if needed: reads much
};

struct Placement {
  FeaturePlacement::Value features = FeaturePlacement::MAPPED;    // never AUTO; equal on all ranks
  TopologyPlacement::Value topology = TopologyPlacement::MAPPED;  // never AUTO
  int64_t hot_set_bytes = 0;
  int64_t resident_bytes = 0;  // of this rank's memory, taken by the choice
  int64_t forecast_bytes = 0;  // the same before rows are read, while the hot set is chosen
  std::string reason;          // why, a line for each of features and topology
};

// Chooses what the config says, and for AUTO: features are MAPPED if every host's memory holds the
// whole store besides what its ranks work with, as ranks then share one copy and exchange nothing;
// PARTITIONED if not, and the parts of each host's ranks fit; else MAPPED, and read again and
// again. The topology is MAPPED if it fits likewise, or if the copies of the ranks of this host
// would take more than the whole or do not fit; RESIDENT if not. The ranks of a host compare the
// sum of their needs with the least memory that any of them sees available, and choose alike. A hot
// set whose size is not given is left out if choosing it takes more than a rank's part of its
// host's memory. Collective. Errors are the communicator's.
absl::StatusOr<Placement> ChoosePlacement(const SamplerConfig& config, const PlacementFacts& facts,
                                          Communicator& comm);

// A GPU reads the feature rows that it has no room for from the host's memory: all of
// facts.feature_bytes are then locked there, once for all ranks of the host. Before, each rank
// chooses the rows for its GPU. kResourceExhausted, saying what to do, if that takes more than is
// available.
absl::Status CheckLockedRows(const PlacementFacts& facts);

}  // namespace quadhop
