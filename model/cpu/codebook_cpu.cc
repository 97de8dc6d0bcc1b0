// Attention to the codebook, and the nearest centroid of each query.
#include <algorithm>
#include <cmath>

#include "model/cpu/dropout_bits.h"
#include "model/cpu/gemm.h"
#include "model/cpu/kernels_cpu.h"
#include "model/cpu/row_ops.h"

namespace quadhop::cpu {
namespace {

// Keep bits of one node's probabilities [h, M], M rounded up to whole bytes, as factors in `kept`.
void DropProbabilities(const Dropout& dropout, int64_t row, int64_t heads, int64_t centroids,
                       const float* probability, float* kept) {
  const float scale = DropoutScale(dropout.probability);
  const int64_t row_bytes = KeepBytes(centroids);
  std::vector<uint8_t> keep(static_cast<size_t>(heads * row_bytes));
  NodeKeepBits(dropout, row, heads * row_bytes, keep.data());
  for (int64_t h = 0; h < heads; ++h) {
    for (int64_t m = 0; m < centroids; ++m) {
      const bool is_kept = (keep[static_cast<size_t>(h * row_bytes + m / 8)] >> (m % 8)) & 1;
      const int64_t i = h * centroids + m;
      kept[i] = is_kept ? probability[i] * scale : 0.0f;
    }
  }
}

}  // namespace

void CpuKernels::DoCodebookAttention(const CodebookAttentionArgs& args) {
  const RowOps<float>& ops = GetRowOps<float>();
  const int64_t wide = args.query.dim(1), width = wide / args.heads;
  const int64_t centroids = args.key.dim(0), row_size = args.heads * centroids;
  const float scale = 1.0f / std::sqrt(static_cast<float>(width));
  const std::vector<Tile> tiles = MakeTiles(args.slices, kTileRows);
  pool_.ParallelFor(static_cast<int64_t>(tiles.size()), [&](int64_t item, int) {
    const Tile& range = tiles[static_cast<size_t>(item)];
    const int64_t tile_rows = range.end - range.begin;
    float* p = args.probability.row(range.begin);
    for (int64_t r = range.begin; r < range.end; ++r)
      for (int64_t h = 0; h < args.heads; ++h)
        std::copy_n(args.log_count.data(), centroids, args.probability.row(r) + h * centroids);
    const bool drop = args.dropout.probability > 0;
    for (int64_t h = 0; h < args.heads; ++h) {
      Gemm(tile_rows, centroids, width, {args.query.row(range.begin) + h * width, wide},
           {args.key.data() + h * width, wide, true}, 1, p + h * centroids, row_size, scale);
    }
    for (int64_t r = range.begin; r < range.end; ++r) {
      for (int64_t h = 0; h < args.heads; ++h) {
        float* row = args.probability.row(r) + h * centroids;
        ops.softmax(centroids, row, row);
      }
      if (drop) {
        DropProbabilities(args.dropout, r, args.heads, centroids, args.probability.row(r),
                          args.kept.row(r));
      }
    }
    const float* used = drop ? args.kept.row(range.begin) : p;
    for (int64_t h = 0; h < args.heads; ++h) {
      Gemm(tile_rows, width, centroids, {used + h * centroids, row_size},
           {args.value.data() + h * width, wide}, 0, args.y.row(range.begin) + h * width, wide);
    }
  });
}

void CpuKernels::DoCodebookAttentionBackward(const CodebookAttentionBackwardArgs& args) {
  const RowOps<float>& ops = GetRowOps<float>();
  const int64_t wide = args.key.dim(1), width = wide / args.heads;
  const int64_t centroids = args.key.dim(0), row_size = args.heads * centroids;
  const float scale = 1.0f / std::sqrt(static_cast<float>(width));
  const bool drop = args.dropout.probability > 0;
  const std::vector<Tile> tiles = MakeTiles(args.slices, kTileRows);
  scratch_.resize(static_cast<size_t>(pool_.num_threads()));
  pool_.ParallelFor(static_cast<int64_t>(tiles.size()), [&](int64_t item, int worker) {
    const Tile& tile = tiles[static_cast<size_t>(item)];
    const int64_t rows = tile.end - tile.begin;
    std::vector<float>& d_p = scratch_[static_cast<size_t>(worker)];
    if (static_cast<int64_t>(d_p.size()) < rows * centroids)
      d_p.resize(static_cast<size_t>(rows * centroids));
    for (int64_t h = 0; h < args.heads; ++h) {
      Gemm(rows, centroids, width, {args.d_y.row(tile.begin) + h * width, wide},
           {args.value.data() + h * width, wide, true}, 0, d_p.data(), centroids);
      for (int64_t r = 0; r < rows; ++r) {
        float* p = args.probability.row(tile.begin + r) + h * centroids;
        float* d = d_p.data() + r * centroids;
        if (drop) {  // d/dp of the dropout: kept / p
          const float* kept = args.kept.row(tile.begin + r) + h * centroids;
          const float factor = DropoutScale(args.dropout.probability);
          for (int64_t m = 0; m < centroids; ++m) d[m] = kept[m] > 0 ? d[m] * factor : 0.0f;
        }
        ops.softmax_backward(p, d, centroids, p);
      }
      Gemm(rows, width, centroids, {args.probability.row(tile.begin) + h * centroids, row_size},
           {args.key.data() + h * width, wide}, 0, args.d_query.row(tile.begin) + h * width, wide,
           scale);
    }
  });
}

void CpuKernels::DoCodebookOuterSum(const CodebookOuterSumArgs& args) {
  const int64_t rows = args.right.dim(0), wide = args.right.dim(1), width = wide / args.heads;
  const int64_t centroids = args.sum.dim(0), row_size = args.heads * centroids;
  if (rows == 0) {
    std::fill_n(args.sum.data(), args.sum.size(), 0.0f);
    return;
  }
  const int64_t blocks = NumBlocks(centroids, kTileRows);
  pool_.ParallelFor(args.heads * blocks, [&](int64_t item, int) {
    const int64_t h = item / blocks;
    const BlockRange range = Block(item % blocks, centroids, kTileRows);
    Gemm(range.end - range.begin, width, rows,
         {args.left.data() + h * centroids + range.begin, row_size, true},
         {args.right.data() + h * width, wide}, 0, args.sum.row(range.begin) + h * width, wide,
         args.alpha);
  });
}

void CpuKernels::DoCodebookAssign(const CodebookAssignArgs& args) {
  const RowOps<float>& ops = GetRowOps<float>();
  const int64_t centroids = args.embedding.dim(0), width = args.embedding.dim(1);
  std::vector<float> half_norm(static_cast<size_t>(centroids));
  for (int64_t m = 0; m < centroids; ++m) {
    const float* e = args.embedding.row(m);
    half_norm[static_cast<size_t>(m)] = 0.5f * ops.dot(e, e, width);
  }
  const std::vector<Tile> tiles = MakeTiles(args.slices, kTileRows);
  scratch_.resize(static_cast<size_t>(pool_.num_threads()));
  pool_.ParallelFor(static_cast<int64_t>(tiles.size()), [&](int64_t item, int worker) {
    const Tile& tile = tiles[static_cast<size_t>(item)];
    const int64_t rows = tile.end - tile.begin;
    std::vector<float>& distance = scratch_[static_cast<size_t>(worker)];
    if (static_cast<int64_t>(distance.size()) < rows * centroids)
      distance.resize(static_cast<size_t>(rows * centroids));
    for (int64_t r = 0; r < rows; ++r)
      std::copy(half_norm.begin(), half_norm.end(), distance.begin() + r * centroids);
    // Half the squared distance, less what is the same for all centroids: |e|^2 / 2 - z.e
    Gemm(rows, centroids, width, {args.z.row(tile.begin), width},
         {args.embedding.data(), width, true}, 1, distance.data(), centroids, -1.0f);
    for (int64_t r = 0; r < rows; ++r) {
      const auto begin = distance.begin() + r * centroids;
      args.nearest[tile.begin + r] =
          static_cast<int16_t>(std::min_element(begin, begin + centroids) - begin);
    }
  });
  pool_.ParallelFor(args.slices.num_partitions(), [&](int64_t p, int) {
    float* hits = args.hits_and_sums.row(p);
    float* sums = hits + centroids;
    std::fill_n(hits, centroids * (1 + width), 0.0f);
    for (int64_t r = args.slices.begin(p); r < args.slices.end(p); ++r) {
      const int64_t m = args.nearest[r];
      hits[m] += 1;
      ops.add(args.z.row(r), width, sums + m * width);
    }
  });
}

}  // namespace quadhop::cpu
