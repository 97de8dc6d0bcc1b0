// What a training step will hold in memory, computed from the sizes of a model before it is made.
#pragma once

#include <cstdint>

#include "model/kernels/options.h"
#include "model/kernels/product_lanes.h"

namespace quadhop {

struct StepMemory {
  // Kept from the forward to the backward pass; on a GPU all that a step takes besides weights and
  // its batch's rows.
  int64_t activation_bytes = 0;
  int64_t weight_bytes = 0;  // weights, their gradients by partition and thread, Adam's moments

  int64_t bytes() const { return activation_bytes + weight_bytes; }
};

// A step on `nodes` nodes of a rank that owns `owned_partitions` partitions, by `num_threads`
// threads.
StepMemory StepMemoryOnCpu(const LargeGTOptions& options, int64_t nodes, int64_t owned_partitions,
                           int32_t num_threads);

// The same on a GPU. recorded: steps are repeated from recordings (step_recordings.h), which have
// buffers of their own.
StepMemory StepMemoryOnGpu(const LargeGTOptions& options, int64_t nodes, int64_t owned_partitions,
                           bool recorded);

// The part of a GPU's activation_bytes that kernels take when they are made: those of the model,
// and those for what it computes beside (LargeGT::Create).
inline constexpr int64_t kGpuKernelBytes = int64_t{2} * kProductLanes * kProductWorkspaceBytes;

}  // namespace quadhop
