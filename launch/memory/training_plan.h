// What training will take, for graphs and hosts that need not be here. DESIGN.md section 1, promise
// 3.
#pragma once

#include <cstdint>

#include "core/store/store.h"
#include "core/threads/thread_pool.h"
#include "launch/config.pb.h"
#include "launch/config/model_options.h"
#include "launch/memory/memory_plan.h"

namespace quadhop {

struct GraphShape {
  GraphDims dims;
  int64_t nodes = 0;          // N
  int64_t arcs = 0;           // E; an undirected edge is two
  int64_t feature_bytes = 4;  // of a value of features.npy
  int64_t train_nodes = 0;    // with a label; likewise the next two
  int64_t valid_nodes = 0;
  int64_t test_nodes = 0;

  static absl::StatusOr<GraphShape> Of(const Store& store, ThreadPool& pool);

  int64_t row_bytes() const { return dims.hops_and_self * dims.features * feature_bytes; }
  int64_t all_rows_bytes() const { return nodes * row_bytes(); }
  int64_t topology_bytes() const;
  // Bytes of the store's files that training reads.
  int64_t store_bytes() const;
};

struct JobShape {
  int64_t ranks = 1;
  int64_t ranks_per_host = 1;
  int64_t partitions = 1;  // at least as many as ranks, which own equal numbers of them
  int32_t threads = 1;     // of a rank
  bool gpus = false;       // whether each rank has one
  int64_t gpu_bytes = 0;   // memory of a GPU; 0: not known
};

// Memory with one placement of features (launch/memory/placement.h); the topology is mapped.
struct PlacementPlan {
  int64_t rank_bytes = 0;  // resident in a rank, with pages of mapped files that it has read
  int64_t host_bytes = 0;  // of all ranks of a host: they share the pages
};

// What a rank's GPU holds of the graph besides a step (MemoryPlan::gpu_bytes), if features are
// mapped and it draws samples and gathers rows by itself.
struct GpuPlan {
  int64_t row_bytes = 0;       // of all nodes, or of those that are drawn most often
  int64_t topology_bytes = 0;  // 0: it is read from the host's memory
};

struct TrainingPlan {
  MemoryPlan work;  // of a rank, without the graph
  PlacementPlan mapped;
  PlacementPlan partitioned;  // with a hot set of the default size
  GpuPlan gpu;
  int64_t steps = 0;       // of an epoch
  int64_t rank_nodes = 0;  // of a step, on a rank
  // Distinct rows of a step over all ranks, if samples are drawn from the whole graph: an upper
  // bound.
  int64_t distinct_rows = 0;
  int64_t remote_rows = 0;  // of those, if partitions are random: METIS leaves fewer
};

// A backend that the config leaves open is a GPU if ranks have one.
TrainingPlan PlanTraining(const GraphShape& graph, const JobShape& job, const Config& config);

}  // namespace quadhop
