// Random numbers that belong to rows of a matrix, such as the nodes of a graph: a function of the
// seed, the row's key and what they are for.
#pragma once

#include <absl/types/span.h>

#include <cstdint>

#include "core/arrays/tensor.h"
#include "core/base/rng.h"
#include "core/threads/thread_pool.h"

namespace quadhop {

// What draws of RandomPurpose::kEncoding are for: the `minor` of their streams' keys. Values are
// part of a store's identity: append only.
enum class RowDraws : uint64_t {
  kFastRp = 0,
  kSvd = 1,
  kProjection = 2,
  kLaplacian = 3,
  kLinkAuc = 4,
  kNode2vecStart = 5,
  kNode2vecWalks = 6,  // and up to 15, one for each walk from a row
  kReturns = 16,
};
inline constexpr int64_t kMostNode2vecWalks = 10;

// walk: of kNode2vecWalks, else 0.
RandomStream StreamOfRow(uint64_t seed, int64_t key, RowDraws draws, uint64_t walk = 0);

// Standard normal numbers: of those of each row, the ones from `begin` on. keys [N], or empty: then
// they are the rows' numbers.
void FillNormals(absl::Span<const int64_t> keys, uint64_t seed, RowDraws draws, int64_t begin,
                 TensorView<float> x,  // [N, L]
                 ThreadPool& pool);

}  // namespace quadhop
