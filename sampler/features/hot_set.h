// Which rows of other ranks are worth keeping: those that this rank's samples are expected to need
// most often (inclusion probabilities as in SALIENT++, Kaler et al., MLSys 2023).
#pragma once

#include <absl/types/span.h>

#include <cstdint>
#include <vector>

#include "core/base/ids.h"
#include "core/store/topology.h"
#include "core/threads/thread_pool.h"
#include "sampler/samples/two_hop_sampler.h"

namespace quadhop {

// About how many two-step paths ExpectedDraws looks at, which takes some seconds.
inline constexpr int64_t kForecastPaths = int64_t{1} << 28;

// expected [N]: how many of the training nodes are expected to have each node in their sample of
// one epoch. For EXACT samples: (K-1) / (size of the pool), at most 1, summed over the pools that
// hold the node; for PATHS, the same by paths. If the training nodes have more than max_paths
// two-step paths, only those with small hashes of their ids, the same in each run, are looked at,
// and the result is scaled up. Nodes with an empty pool, which draw from the whole graph, are left
// out. Does not depend on the number of threads.
std::vector<float> ExpectedDraws(const Topology& topology, const SamplerOptions& options,
                                 absl::Span<const GlobalId> training, ThreadPool& pool,
                                 int64_t max_paths = kForecastPaths);

// Bytes that ExpectedDraws, and ChooseHotSet after it, take while they work.
int64_t ForecastBytes(int64_t num_nodes, const SamplerOptions& options, int num_threads);

struct HotSet {
  std::vector<GlobalId> nodes;   // ascending; none of them own
  double expected_hit_rate = 0;  // share of the distinct remote rows of a step that it holds; 0 if
                                 // none are expected
};

// The nodes outside `own` with the largest expected_draws [N] above 0, at most max_rows; among
// equal ones, those with smaller ids. The hit rate is that of epochs of num_steps steps whose nodes
// are spread at random.
HotSet ChooseHotSet(absl::Span<const float> expected_draws, BlockRange own, int64_t max_rows,
                    int64_t num_steps);

}  // namespace quadhop
