#include "partition/graph_builder.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <numeric>
#include <utility>

#include "core/check.h"

namespace quadhop {
namespace {

constexpr int64_t kNodesABlock = 1024;

size_t Z(int64_t i) { return static_cast<size_t>(i); }

// Adds `by` and returns what was there. Relaxed: ParallelFor orders what follows.
int64_t FetchAdd(int64_t& value, int64_t by) {
  return std::atomic_ref<int64_t>(value).fetch_add(by, std::memory_order_relaxed);
}

// Counts to offsets: [n] counts, then 0, become the sums before them, then the sum of all.
void PrefixSum(std::vector<int64_t>& counts) {
  std::exclusive_scan(counts.begin(), counts.end(), counts.begin(), int64_t{0});
}

// Rows with room between them: row v is values[begin[v]] up to begin[v] + length[v].
template <typename Index>
struct LooseRows {
  std::vector<int64_t> begin;   // [N + 1]
  std::vector<int64_t> length;  // [N]
  std::unique_ptr<Index[]> values;

  Index* row(int64_t v) { return values.get() + begin[Z(v)]; }
  const Index* row(int64_t v) const { return values.get() + begin[Z(v)]; }

  // `counts`: [N + 1] entries that each row will get, then 0.
  explicit LooseRows(std::vector<int64_t> counts) : begin(std::move(counts)) {
    PrefixSum(begin);
    length.assign(begin.size() - 1, 0);
    values = std::make_unique_for_overwrite<Index[]>(Z(begin.back()));
  }
  // Thread-safe.
  void Append(int64_t v, Index value) { row(v)[FetchAdd(length[Z(v)], 1)] = value; }
};

template <typename Body>
void ForEachNode(int64_t num_nodes, ThreadPool& pool, const Body& body) {
  pool.ParallelFor(NumBlocks(num_nodes, kNodesABlock), [&](int64_t block, int) {
    const auto [begin, end] = Block(block, num_nodes, kNodesABlock);
    for (int64_t v = begin; v < end; ++v) body(v);
  });
}

// Sorts every row and drops what stands twice; returns how many were dropped.
template <typename Index>
int64_t SortUnique(LooseRows<Index>& rows, ThreadPool& pool) {
  int64_t dropped = 0;
  const int64_t num_nodes = static_cast<int64_t>(rows.length.size());
  ForEachNode(num_nodes, pool, [&](int64_t v) {
    Index* const begin = rows.row(v);
    Index* const end = begin + rows.length[Z(v)];
    std::sort(begin, end);
    Index* const unique_end = std::unique(begin, end);
    if (unique_end == end) return;
    rows.length[Z(v)] = unique_end - begin;
    FetchAdd(dropped, end - unique_end);
  });
  return dropped;
}

}  // namespace

class GraphBuilder::Rows {
 public:
  virtual ~Rows() = default;
  virtual void Add(absl::Span<const Arc> arcs) = 0;
  virtual int64_t num_arcs_added() const = 0;
  virtual GraphCounts Build(bool directed, int64_t num_nodes, std::vector<int64_t>& indptr,
                            ThreadPool& pool) = 0;
};

template <typename Index>
class GraphBuilder::RowsOf : public GraphBuilder::Rows {
 public:
  void Add(absl::Span<const Arc> arcs) override {
    std::vector<Index> block;
    block.reserve(2 * arcs.size());
    for (const Arc& arc : arcs) {
      block.push_back(static_cast<Index>(arc.source));
      block.push_back(static_cast<Index>(arc.target));
    }
    std::lock_guard<std::mutex> lock(mutex_);
    num_added_ += static_cast<int64_t>(arcs.size());
    blocks_.push_back(std::move(block));
  }
  int64_t num_arcs_added() const override { return num_added_; }

  GraphCounts Build(bool directed, int64_t num_nodes, std::vector<int64_t>& indptr,
                    ThreadPool& pool) override {
    GraphCounts counts;
    counts.arcs_added = num_added_;
    rows_ = Collect(num_nodes, &counts.self_loops_removed, pool);
    counts.duplicates_removed = SortUnique(*rows_, pool);
    const int64_t distinct =
        counts.arcs_added - counts.self_loops_removed - counts.duplicates_removed;
    if (!directed) {
      rows_ = WithInverses(*rows_, pool);
      SortUnique(*rows_, pool);
    }
    indptr = rows_->length;
    indptr.push_back(0);
    PrefixSum(indptr);
    counts.arcs = indptr.back();
    counts.inverses_added = counts.arcs - distinct;
    return counts;
  }

  void CopyIndices(absl::Span<Index> out, const std::vector<int64_t>& indptr,
                   ThreadPool& pool) const {
    QH_CHECK_EQ(static_cast<int64_t>(out.size()), indptr.back());
    ForEachNode(static_cast<int64_t>(rows_->length.size()), pool, [&](int64_t v) {
      std::copy_n(rows_->row(v), rows_->length[Z(v)], out.data() + indptr[Z(v)]);
    });
  }

 private:
  // The arcs by source, without self-loops. Frees the blocks on the way.
  std::unique_ptr<LooseRows<Index>> Collect(int64_t num_nodes, int64_t* self_loops,
                                            ThreadPool& pool) {
    std::vector<int64_t> degrees(Z(num_nodes) + 1, 0);
    const int64_t num_blocks = static_cast<int64_t>(blocks_.size());
    pool.ParallelFor(num_blocks, [&](int64_t item, int) {
      int64_t loops = 0;
      const std::vector<Index>& block = blocks_[Z(item)];
      for (size_t i = 0; i < block.size(); i += 2) {
        if (block[i] == block[i + 1]) {
          ++loops;
        } else {
          FetchAdd(degrees[Z(static_cast<int64_t>(block[i]))], 1);
        }
      }
      FetchAdd(*self_loops, loops);
    });
    auto rows = std::make_unique<LooseRows<Index>>(std::move(degrees));
    pool.ParallelFor(num_blocks, [&](int64_t item, int) {
      std::vector<Index> block = std::move(blocks_[Z(item)]);
      for (size_t i = 0; i < block.size(); i += 2)
        if (block[i] != block[i + 1]) rows->Append(static_cast<int64_t>(block[i]), block[i + 1]);
    });
    blocks_.clear();
    return rows;
  }

  // Each row, followed by the sources of the arcs into it.
  static std::unique_ptr<LooseRows<Index>> WithInverses(const LooseRows<Index>& rows,
                                                        ThreadPool& pool) {
    const int64_t num_nodes = static_cast<int64_t>(rows.length.size());
    std::vector<int64_t> degrees = rows.length;
    degrees.push_back(0);
    ForEachNode(num_nodes, pool, [&](int64_t v) {
      for (int64_t i = 0; i < rows.length[Z(v)]; ++i)
        FetchAdd(degrees[Z(static_cast<int64_t>(rows.row(v)[i]))], 1);
    });
    auto both = std::make_unique<LooseRows<Index>>(std::move(degrees));
    ForEachNode(num_nodes, pool, [&](int64_t v) {
      for (int64_t i = 0; i < rows.length[Z(v)]; ++i) {
        const Index u = rows.row(v)[i];
        both->Append(v, u);
        both->Append(static_cast<int64_t>(u), static_cast<Index>(v));
      }
    });
    return both;
  }

  std::mutex mutex_;
  int64_t num_added_ = 0;
  std::vector<std::vector<Index>> blocks_;  // (source, target) pairs, flat
  std::unique_ptr<LooseRows<Index>> rows_;
};

GraphBuilder::GraphBuilder(int64_t num_nodes) : num_nodes_(num_nodes) {
  QH_CHECK_GE(num_nodes, 1);
  if (wide()) {
    rows_ = std::make_unique<RowsOf<int64_t>>();
  } else {
    rows_ = std::make_unique<RowsOf<uint32_t>>();
  }
}

GraphBuilder::~GraphBuilder() = default;

void GraphBuilder::Add(absl::Span<const Arc> arcs) { rows_->Add(arcs); }

int64_t GraphBuilder::num_arcs_added() const { return rows_->num_arcs_added(); }

GraphCounts GraphBuilder::Build(bool directed, ThreadPool& pool) {
  return rows_->Build(directed, num_nodes_, indptr_, pool);
}

template <typename T>
void GraphBuilder::CopyIndices(absl::Span<T> out, ThreadPool& pool) const {
  QH_CHECK_EQ(sizeof(T) == 8, wide());
  static_cast<const RowsOf<T>*>(rows_.get())->CopyIndices(out, indptr_, pool);
}

template void GraphBuilder::CopyIndices(absl::Span<uint32_t>, ThreadPool&) const;
template void GraphBuilder::CopyIndices(absl::Span<int64_t>, ThreadPool&) const;

}  // namespace quadhop
