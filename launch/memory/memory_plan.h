// What a rank of training will need, before it starts. DESIGN.md section 1, promise 3.
#pragma once

#include <absl/status/status.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "launch/config.pb.h"
#include "model/kernels/options.h"
#include "model/largegt/step_memory.h"

namespace quadhop {

// Bytes of one rank. Mapped files of the store are not counted: the kernel takes their pages back
// when needed.
struct MemoryPlan {
  bool on_gpu = false;  // where the memory of `step` is; all else is the host's
  StepMemory step;      // on a GPU, with the rows of its batch

  int64_t batch_bytes = 0;       // batches made ahead
  int64_t checkpoint_bytes = 0;  // what a checkpoint is written from
  int64_t resident_bytes = 0;  // rows and arcs kept (launch/memory/placement.h); 0 from PlanMemory

  int64_t forecast_bytes = 0;  // before all of these, while a hot set is chosen; 0 from PlanMemory

  int64_t host_bytes() const {
    return std::max(batch_bytes + checkpoint_bytes + resident_bytes + (on_gpu ? 0 : step.bytes()),
                    forecast_bytes);
  }
  int64_t gpu_bytes() const { return on_gpu ? step.bytes() : 0; }
  // "memory of a rank: 0.31 GB (activations 0.20, weights 0.04, batches 0.05, ...)"
  std::string Describe() const;
};

// Nodes of a step if so many are spread evenly over as few steps of up to `batch` as there can be,
// give or take one per partition (sampler/batches/schedule.h): 4590 in batches of up to 4500 are
// two of 2295.
int64_t EvenBatch(int64_t nodes, int64_t batch);

// `config` with the EvenBatch of its training nodes. As an evaluation may have more nodes, the
// batch is at least 512, or all nodes if these are fewer, unless `config` has a smaller one.
Config WithLargestBatch(Config config, int64_t train_nodes, int64_t nodes);

// Distinct rows among `draws` draws from the whole graph: more than among as many from
// neighbourhoods.
int64_t DistinctRows(int64_t draws, int64_t num_nodes);

// Of a checkpoint, in memory and on disk.
int64_t CheckpointBytes(const LargeGTOptions& options, int64_t num_nodes);

// For a rank that owns `owned_partitions` of the `num_partitions` partitions of a graph of
// `num_nodes` nodes: its share of train.batch, and weights; computed by `num_threads` threads.
// `config` has its backends chosen, and the batch of WithLargestBatch.
MemoryPlan PlanMemory(const LargeGTOptions& options, const Config& config, int64_t owned_partitions,
                      int64_t num_partitions, int64_t num_nodes, int32_t num_threads);

}  // namespace quadhop
