// FastRP: Chen et al., "Fast and Accurate Network Embeddings via Very Sparse Random Projection",
// CIKM 2019 (arXiv 1908.11512), in the form that the peer uses.
#pragma once

#include <absl/status/status.h>
#include <absl/types/span.h>

#include <cstdint>
#include <string>

#include "core/arrays/tensor.h"
#include "core/threads/thread_pool.h"
#include "partition/encodings/encoder.h"
#include "partition/linear_algebra/sparse_product.h"
#include "partition/steps/progress.h"

namespace quadhop {

// Borrowed.
struct FastRpInput {
  const NormalizedAdjacency& adjacency;
  absl::Span<const int64_t> keys;  // [N]: of the nodes (node_keys.h)
  uint64_t seed = 0;
  int64_t memory_bytes = 0;    // what may be taken, the adjacency's scales included: the least
                               // that is needed, or more
  std::string scratch_folder;  // for the powers that memory does not hold
  ProgressHook on_progress{};
};

StepNeeds FastRandomProjectionNeeds(int64_t num_nodes, int64_t dim);

// out = sum over k = 1..3 of w_k R_k, w = (0.5, 1, 1), R_k the rows of Â R_(k-1) scaled to
// length 1, R_0 standard normal with row v keyed by (seed, keys[v]). A node's row does not depend
// on its number in the store (but for the rounding of sums in another order), nor on the threads.
// Memory for two copies of `out`, or, if that is too much, for as many columns of them as fit, 16
// at least; the result is the same. Errors: those of ScratchFile.
absl::Status FastRandomProjection(const FastRpInput& input, ThreadPool& pool,
                                  TensorView<float> out);  // [N, G]

}  // namespace quadhop
