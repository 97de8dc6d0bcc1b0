// Samples of all nodes of a batch at once: by the threads of the host, or by a GPU
// (sampler/cuda/batch_sampler_cuda.h). The samples are the same.
#pragma once

#include <absl/status/status.h>
#include <absl/types/span.h>

#include <cstdint>
#include <memory>

#include "core/base/ids.h"
#include "core/store/topology.h"
#include "core/threads/thread_pool.h"
#include "sampler/samples/two_hop_sampler.h"

namespace quadhop {

// One call at a time.
class BatchSampler {
 public:
  virtual ~BatchSampler() = default;

  // out [B, K]: for each of nodes [B] what TwoHopSampler::Sample gives. Errors are the device's;
  // then `out` is unspecified.
  virtual absl::Status Sample(int64_t epoch, absl::Span<const GlobalId> nodes,
                              absl::Span<GlobalId> out, ThreadPool& pool) = 0;
};

enum class SamplerBackend { kHost, kCuda };

// The host's sampler. Borrows the topology. Never fails.
std::unique_ptr<BatchSampler> MakeHostBatchSampler(const Topology& topology,
                                                   const SamplerOptions& options);

}  // namespace quadhop
