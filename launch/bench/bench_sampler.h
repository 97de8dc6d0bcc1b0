// Speed of sampling, gathering and making batches, on one thread; of sampling also on a GPU.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <string>

#include "core/threads/thread_pool.h"

namespace quadhop {

// Prints tables of rates on the store at `path`. with_gpu: those of the first GPU, too; its errors
// are MakeCudaBatchSampler's.
absl::Status BenchSamplerOnStore(const std::string& path, bool with_gpu, ThreadPool& pool);
// The same on a graph that `pool` makes in memory: a fixed test graph (DESIGN.md section 8) with
// `num_nodes` nodes of mean degree 50, and 100 features.
absl::Status BenchSamplerOnSynthetic(int64_t num_nodes, bool with_gpu, ThreadPool& pool);

}  // namespace quadhop
