// FastRP: Chen et al., "Fast and Accurate Network Embeddings via Very Sparse Random Projection",
// CIKM 2019 (arXiv 1908.11512), in the form that the peer uses.
#pragma once

#include <absl/types/span.h>

#include <cstdint>

#include "core/tensor.h"
#include "core/thread_pool.h"
#include "partition/sparse_product.h"

namespace quadhop {

// out = sum over k = 1..3 of w_k R_k, w = (0.5, 1, 1), R_k the rows of Â R_(k-1) made of length 1,
// R_0 standard normal with row v keyed by (seed, keys[v]); then every column standardised. So a
// node's row does not depend on its number in the store (but for the rounding of sums in another
// order), nor on the threads.
void FastRandomProjection(const NormalizedAdjacency& adjacency,
                          absl::Span<const int64_t> keys,  // [N]: original ids
                          uint64_t seed, ThreadPool& pool,
                          TensorView<float> out);  // [N, G]

}  // namespace quadhop
