#include "partition/encodings/fast_random_projection.h"

#include <algorithm>
#include <utility>

#include "core/check.h"
#include "core/rng.h"
#include "partition/standardize.h"

namespace quadhop {
namespace {

constexpr int64_t kRowsPerBlock = 1024;
constexpr float kWeights[] = {0.5f, 1.0f, 1.0f};  // of the powers 1, 2, 3
constexpr uint64_t kFastRpStream = 0;             // `minor` of the stream keys; the SVD has 1

void FillGaussian(absl::Span<const int64_t> keys, uint64_t seed, TensorView<float> r,
                  ThreadPool& pool) {
  pool.ParallelFor(NumBlocks(r.dim(0), kRowsPerBlock), [&](int64_t block, int) {
    const BlockRange range = Block(block, r.dim(0), kRowsPerBlock);
    for (int64_t v = range.begin; v < range.end; ++v) {
      RandomStream random(seed, RandomPurpose::kEncoding,
                          static_cast<uint64_t>(keys[static_cast<size_t>(v)]), kFastRpStream);
      for (int64_t i = 0; i < r.dim(1); ++i) r.row(v)[i] = static_cast<float>(random.Normal());
    }
  });
}

void AddWeighted(float weight, TensorView<const float> r, TensorView<float> sum, ThreadPool& pool) {
  pool.ParallelFor(NumBlocks(r.dim(0), kRowsPerBlock), [&](int64_t block, int) {
    const BlockRange range = Block(block, r.dim(0), kRowsPerBlock);
    for (int64_t i = range.begin * r.dim(1); i < range.end * r.dim(1); ++i) sum[i] += weight * r[i];
  });
}

}  // namespace

void FastRandomProjection(const NormalizedAdjacency& adjacency, absl::Span<const int64_t> keys,
                          uint64_t seed, ThreadPool& pool, TensorView<float> out) {
  const int64_t num_nodes = adjacency.num_nodes();
  QH_CHECK_EQ(static_cast<int64_t>(keys.size()), num_nodes);
  QH_CHECK_EQ(out.dim(0), num_nodes);
  Tensor<float> r({num_nodes, out.dim(1)}), next({num_nodes, out.dim(1)});
  FillGaussian(keys, seed, r.view(), pool);
  std::fill_n(out.data(), out.size(), 0.0f);
  for (const float weight : kWeights) {
    adjacency.Multiply(r.cview(), next.view(), pool);
    NormalizeRows(next.view(), pool);
    AddWeighted(weight, next.cview(), out, pool);
    std::swap(r, next);
  }
  StandardizeColumns(out, pool);
}

}  // namespace quadhop
