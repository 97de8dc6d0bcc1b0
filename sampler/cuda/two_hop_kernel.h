// The kernel that draws the samples of many nodes, one block per node.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/cuda/cuda_device.h"
#include "sampler/cuda/sample_room.h"

namespace quadhop::cuda {

// A topology as kernels read it. Index: uint32_t or int64_t.
template <typename Index>
struct ReadableTopology {
  const int64_t* indptr;  // [N + 1]
  const Index* indices;   // [E]
  int64_t num_nodes;      // N
};

struct SampleJob {
  const int64_t* nodes;  // [B], on the device
  int64_t* out;          // [B, K], on the device: the node itself, then its sample
  uint64_t seed;
  int64_t epoch;
  bool exact;  // else PATHS
  SampleRoom room;
};

// What a block of the kernel needs for samples of `wanted` nodes besides the node itself, and the
// shared memory that this takes.
SampleRoom RoomForSamples(int64_t wanted);
size_t SampleSharedBytes(const SampleRoom& room);

// Queues the drawing of what TwoHopSampler::Sample would draw.
template <typename Index>
void SampleNodes(Device& device, const ReadableTopology<Index>& topology, const SampleJob& job,
                 int64_t num_nodes);

}  // namespace quadhop::cuda
