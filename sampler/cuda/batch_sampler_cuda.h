// Samples drawn by a GPU.
#pragma once

#include <absl/status/statusor.h>

#include <algorithm>
#include <cstdint>
#include <memory>

#include "sampler/samples/batch_sampler.h"

namespace quadhop {

// How much of device_bytes a sampler's topology takes: its whole size if it fits, else nothing.
inline int64_t DeviceTopologyBytes(const Topology& topology, int64_t device_bytes) {
  return topology.num_bytes() <= device_bytes ? topology.num_bytes() : 0;
}

// The sampler on the GPU of the rank with index `local_rank` on its host, with a stream of
// its own. The topology, which is borrowed, is copied to the device if it fits into `device_bytes`
// (see DeviceTopologyBytes), else it stays in host memory and is read over the bus. kUnavailable
// without a GPU, or if the program was built without CUDA; kInvalidArgument if a block of the
// device has no room for so many sampled nodes; kResourceExhausted: no memory.
absl::StatusOr<std::unique_ptr<BatchSampler>> MakeCudaBatchSampler(const Topology& topology,
                                                                   const SamplerOptions& options,
                                                                   int local_rank,
                                                                   int64_t device_bytes);

}  // namespace quadhop
