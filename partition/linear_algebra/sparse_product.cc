#include "partition/linear_algebra/sparse_product.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "core/base/check.h"
#include "core/base/prefetch.h"
#include "core/store/topology.h"
#include "partition/linear_algebra/add_scaled.h"
#include "partition/linear_algebra/row_sum.h"

namespace quadhop {
namespace {

// Small, since rows differ in degree by orders of magnitude.
constexpr int64_t kRowsPerBlock = 256;
constexpr int64_t kNodesPerBlock = 65536;
constexpr size_t kEntriesAPiece = 256;  // whose sum in float is off by 2e-5 at most

template <typename Index>
struct Rows {
  absl::Span<const int64_t> indptr;
  absl::Span<const Index> indices;
  absl::Span<const float> values;
};

// Prefetches rows of x, also for rows of A to come: they lie anywhere in x.
template <typename Index>
void PrefetchAhead(const Rows<Index>& a, size_t entry, const float* x, int64_t width) {
  const size_t ahead = entry + RowsAhead(width);
  if (ahead >= a.indices.size()) return;
  Prefetch(x + static_cast<int64_t>(a.indices[ahead]) * width, width * int64_t{sizeof(float)});
}

// y += the entries [begin, end), each by its scale.
template <typename Index>
void AddEntries(const Rows<Index>& a, absl::Span<const float> column_scale, size_t begin,
                size_t end, const float* x, int64_t width, float* y) {
  if (column_scale.empty() && a.values.empty()) return AddRows(a.indices, begin, end, x, width, y);
  for (size_t entry = begin; entry < end; ++entry) {
    PrefetchAhead(a, entry, x, width);
    const auto column = static_cast<size_t>(a.indices[entry]);
    float scale = column_scale.empty() ? 1.0f : column_scale[column];
    if (!a.values.empty()) scale *= a.values[entry];
    AddScaled(scale, x + static_cast<int64_t>(column) * width, width, y);
  }
}

// The same in pieces, whose sums are added up in double: a float that has grown to the sum of a
// million terms keeps only the leading digits of each that is added.
template <typename Index>
void AddManyEntries(const Rows<Index>& a, absl::Span<const float> column_scale, size_t begin,
                    size_t end, const float* x, int64_t width, float* y) {
  std::vector<double> sum(y, y + width);
  for (size_t piece = begin; piece < end; piece += kEntriesAPiece) {
    std::fill_n(y, width, 0.0f);
    AddEntries(a, column_scale, piece, std::min(piece + kEntriesAPiece, end), x, width, y);
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += double{y[i]};
  }
  std::transform(sum.begin(), sum.end(), y, [](double s) { return static_cast<float>(s); });
}

template <typename Index>
void MultiplyRow(const Rows<Index>& a, const SparseScaling& scaling, TensorView<const float> x,
                 int64_t row, int64_t width, float* y) {
  const auto r = static_cast<size_t>(row);
  std::fill_n(y, width, 0.0f);
  if (scaling.add_identity)
    AddScaled(scaling.column_scale.empty() ? 1.0f : scaling.column_scale[r], x.data() + row * width,
              width, y);
  const auto begin = static_cast<size_t>(a.indptr[r]), end = static_cast<size_t>(a.indptr[r + 1]);
  const auto add = end - begin <= kEntriesAPiece ? AddEntries<Index> : AddManyEntries<Index>;
  add(a, scaling.column_scale, begin, end, x.data(), width, y);
  if (scaling.row_scale.empty()) return;
  const float scale = scaling.row_scale[r];
  for (int64_t i = 0; i < width; ++i) y[i] *= scale;
}

template <typename Index>
void MultiplyRows(const Rows<Index>& a, const SparseScaling& scaling, int64_t num_cols,
                  TensorView<const float> x, TensorView<float> y, ThreadPool& pool) {
  const int64_t num_rows = static_cast<int64_t>(a.indptr.size()) - 1;
  QH_CHECK_EQ(x.rank(), 2);
  QH_CHECK_EQ(x.dim(0), num_cols);
  QH_CHECK(y.HasDims({num_rows, x.dim(1)}));
  QH_CHECK(!scaling.add_identity || num_rows == num_cols);
  QH_CHECK(scaling.row_scale.empty() || static_cast<int64_t>(scaling.row_scale.size()) == num_rows);
  QH_CHECK(scaling.column_scale.empty() ||
           static_cast<int64_t>(scaling.column_scale.size()) == num_cols);
  const int64_t width = x.dim(1);
  pool.ParallelFor(NumBlocks(num_rows, kRowsPerBlock), [&](int64_t block, int) {
    const BlockRange range = Block(block, num_rows, kRowsPerBlock);
    for (int64_t row = range.begin; row < range.end; ++row)
      MultiplyRow(a, scaling, x, row, width, y.data() + row * width);
  });
}

template <typename Index>
void CountColumns(absl::Span<const Index> indices, absl::Span<uint32_t> counts, ThreadPool& pool) {
  const auto num_entries = static_cast<int64_t>(indices.size());
  constexpr int64_t kEntriesPerBlock = int64_t{1} << 20;
  pool.ParallelFor(NumBlocks(num_entries, kEntriesPerBlock), [&](int64_t block, int) {
    const BlockRange range = Block(block, num_entries, kEntriesPerBlock);
    for (int64_t entry = range.begin; entry < range.end; ++entry) {
      const auto column = static_cast<size_t>(indices[static_cast<size_t>(entry)]);
      std::atomic_ref<uint32_t>(counts[column]).fetch_add(1, std::memory_order_relaxed);
    }
  });
}

float InverseSquareRoot(int64_t sum) {
  return static_cast<float>(1.0 / std::sqrt(static_cast<double>(sum)));
}

}  // namespace

void Multiply(const SparseMatrix& a, const SparseScaling& scaling, TensorView<const float> x,
              TensorView<float> y, ThreadPool& pool) {
  MultiplyRows(Rows<uint32_t>{a.indptr, a.indices, a.values}, scaling, a.num_cols, x, y, pool);
}

void Multiply(const Topology& a, const SparseScaling& scaling, TensorView<const float> x,
              TensorView<float> y, ThreadPool& pool) {
  VisitIndices(a, [&]<typename Index>(absl::Span<const Index> indices) {
    MultiplyRows(Rows<Index>{a.indptr, indices, {}}, scaling, a.num_nodes(), x, y, pool);
  });
}

NormalizedAdjacency::NormalizedAdjacency(const Topology& topology, ThreadPool& pool)
    : topology_(topology),
      column_sum_scale_(static_cast<size_t>(topology.num_nodes())),
      row_sum_scale_(static_cast<size_t>(topology.num_nodes())) {
  std::vector<uint32_t> in_degree(static_cast<size_t>(num_nodes()));
  VisitIndices(topology,
               [&](auto indices) { CountColumns(indices, absl::MakeSpan(in_degree), pool); });
  pool.ParallelFor(NumBlocks(num_nodes(), kNodesPerBlock), [&](int64_t block, int) {
    const BlockRange range = Block(block, num_nodes(), kNodesPerBlock);
    for (int64_t node = range.begin; node < range.end; ++node) {
      const auto i = static_cast<size_t>(node);
      column_sum_scale_[i] = InverseSquareRoot(1 + int64_t{in_degree[i]});
      row_sum_scale_[i] = InverseSquareRoot(1 + topology_.degree(node));
    }
  });
}

void NormalizedAdjacency::ScaleAndMultiply(TensorView<float> x, TensorView<float> y,
                                           ThreadPool& pool) const {
  const int64_t width = x.dim(1);
  pool.ParallelFor(NumBlocks(num_nodes(), kNodesPerBlock / 64), [&](int64_t block, int) {
    const BlockRange range = Block(block, num_nodes(), kNodesPerBlock / 64);
    for (int64_t node = range.begin; node < range.end; ++node) {
      const float scale = row_sum_scale_[static_cast<size_t>(node)];
      float* const row = x.row(node);
      for (int64_t i = 0; i < width; ++i) row[i] *= scale;
    }
  });
  quadhop::Multiply(topology_, {column_sum_scale_, {}, true}, x, y, pool);
}

void NormalizedAdjacency::Multiply(TensorView<const float> x, TensorView<float> y,
                                   ThreadPool& pool) const {
  quadhop::Multiply(topology_, {column_sum_scale_, row_sum_scale_, true}, x, y, pool);
}

}  // namespace quadhop
