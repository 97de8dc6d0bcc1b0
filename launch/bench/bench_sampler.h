// Speed of sampling, gathering and making batches, on one thread.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <string>

#include "core/thread_pool.h"

namespace quadhop {

// Prints tables of rates on the store at `path`.
absl::Status BenchSamplerOnStore(const std::string& path);
// The same on a graph that `pool` makes in memory: a fixed test graph (DESIGN.md section 8) with
// `num_nodes` nodes of mean degree 50, and 100 features.
absl::Status BenchSamplerOnSynthetic(int64_t num_nodes, ThreadPool& pool);

}  // namespace quadhop
