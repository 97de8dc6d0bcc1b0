// The features and the topology of one rank, made where its placement says.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "comm/sums/partition_owners.h"
#include "core/store/store.h"
#include "launch/config.pb.h"
#include "launch/memory/placement.h"
#include "launch/ranks/runtime.h"
#include "sampler/batches/loader_inputs.h"
#include "sampler/features/feature_source.h"
#include "sampler/samples/resident_topology.h"

namespace quadhop {

// The facts of a store and a rank for ChoosePlacement. inputs: those of the rank, with its labelled
// nodes counted. The result borrows them and the store. working_bytes: see PlacementFacts. Errors
// are the store's.
absl::StatusOr<PlacementFacts> FactsOf(const Store& store, const LoaderInputs& inputs,
                                       const Config& config, const RankContext& context,
                                       int64_t working_bytes);

// A rank's part of its GPU.
struct GpuShare {
  int64_t step_bytes = 0;  // left to a step
  int32_t num_ranks = 1;   // that compute on the GPU, and take equal parts of what is free
};

// Owns what is kept in memory. Immutable except for its feature source; outlives the loader.
class PlacedGraph {
 public:
  // Reads the rows and arcs to keep, and points `inputs` at them. Keeps to the rank's share
  // of its GPU. Collective. Errors are the store's and the communicator's.
  static absl::StatusOr<std::unique_ptr<PlacedGraph>> Create(
      const Store& store, const Placement& placement, const PartitionOwners& owners,
      const Config& config, const RankContext& context, const GpuShare& gpu, LoaderInputs& inputs);

  // What was made: rows and bytes kept, the hit rate expected of the hot set.
  const std::string& description() const { return description_; }

 private:
  PlacedGraph() = default;
  absl::Status MapRows(const Store& store, const FeatureTable& table, const Config& config,
                       const RankContext& context, const GpuShare& gpu, const LoaderInputs& inputs);
  absl::Status KeepRows(const Store& store, const FeatureTable& table, int64_t hot_set_bytes,
                        const PartitionOwners& owners, const Config& config,
                        const RankContext& context, const LoaderInputs& inputs);
  void Describe(const std::string& kept);
  std::optional<ResidentTopology> topology_;
  std::unique_ptr<FeatureSource> features_;
  std::unique_ptr<DeviceRows> device_rows_;
  std::string description_;
};

}  // namespace quadhop
