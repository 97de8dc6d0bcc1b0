#include "partition/import/target/graph_builder.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <mutex>
#include <numeric>
#include <utility>

#include "core/base/casts.h"
#include "core/base/check.h"
#include "core/base/status.h"
#include "core/store/topology.h"
#include "partition/scratch/scratch_file.h"
#include "partition/scratch/sorted_runs.h"

namespace quadhop {
namespace {

constexpr int64_t kLeastRangeKeys = 4096;
constexpr int64_t kCopyElements = int64_t{1} << 20;

// The bits of an id in [0, num_nodes), at least 1.
int BitsFor(int64_t num_nodes) {
  const auto last = static_cast<uint64_t>(std::max<int64_t>(num_nodes, 1) - 1);
  return std::max(1, static_cast<int>(std::bit_width(last)));
}

// Whether keys of 64 bits hold an arc.
bool FitsNarrowKeys(int64_t num_nodes) { return 2 * BitsFor(num_nodes) + 1 <= 64; }

// Half of the memory is for runs, a quarter for neighbours, and a quarter for ranges being merged.
int64_t RunsBytes(int64_t memory_bytes) { return memory_bytes / 2; }
int64_t NeighborsBytes(int64_t memory_bytes) { return memory_bytes / 4; }
int64_t RangesBytes(int64_t memory_bytes) { return memory_bytes / 4; }

// Neighbours one after another, in memory or, beyond it, on disk.
class NeighborList {
 public:
  NeighborList(int64_t memory_bytes, std::string folder)
      : held_bytes_(HeldBytes(memory_bytes)), folder_(std::move(folder)) {}

  // The most disk that neighbours of `num_bytes` take.
  static int64_t ScratchBytes(int64_t num_bytes, int64_t memory_bytes) {
    return num_bytes <= HeldBytes(memory_bytes) ? 0 : num_bytes;
  }

  // One of the two, by the width of ids.
  absl::Status Append(const std::vector<uint32_t>& narrow, const std::vector<int64_t>& wide) {
    return wide.empty() ? AppendTo(narrow, narrow_) : AppendTo(wide, wide_);
  }

  template <typename T>
  absl::Status CopyTo(absl::Span<T> out) {
    constexpr auto kBytes = static_cast<int64_t>(sizeof(T));
    const int64_t on_disk = scratch_ == nullptr ? 0 : scratch_->num_bytes() / kBytes;
    for (int64_t at = 0; at < on_disk; at += kCopyElements)
      QH_RETURN_IF_ERROR(scratch_->ReadAt(at * kBytes, out.data() + at,
                                          std::min(kCopyElements, on_disk - at) * kBytes));
    const auto& rest = Held<T>();
    QH_CHECK_EQ(static_cast<int64_t>(out.size()), on_disk + static_cast<int64_t>(rest.size()));
    std::copy(rest.begin(), rest.end(), out.begin() + on_disk);
    return absl::OkStatus();
  }

 private:
  static int64_t HeldBytes(int64_t memory_bytes) { return memory_bytes / 2; }  // vectors may double

  template <typename T>
  const std::vector<T>& Held() const {
    if constexpr (std::is_same_v<T, uint32_t>)
      return narrow_;
    else
      return wide_;
  }
  template <typename T>
  absl::Status AppendTo(const std::vector<T>& part, std::vector<T>& held) {
    held.insert(held.end(), part.begin(), part.end());
    const auto num_bytes = static_cast<int64_t>(held.size() * sizeof(T));
    if (num_bytes <= held_bytes_) return absl::OkStatus();
    if (scratch_ == nullptr) {
      QH_ASSIGN_OR_RETURN(scratch_, ScratchFile::Create(folder_));
    }
    QH_RETURN_IF_ERROR(scratch_->Append(held.data(), num_bytes).status());
    held = {};
    return absl::OkStatus();
  }

  int64_t held_bytes_;
  std::string folder_;
  std::unique_ptr<ScratchFile> scratch_;  // the first ones
  std::vector<uint32_t> narrow_;          // those after them
  std::vector<int64_t> wide_;
};

}  // namespace

class GraphBuilder::Sorter {
 public:
  virtual ~Sorter() = default;
  virtual absl::Status Add(absl::Span<const Arc> arcs) = 0;
  virtual absl::StatusOr<GraphCounts> Build(std::vector<int64_t>& indptr, ThreadPool& pool) = 0;
  virtual NeighborList& neighbors() = 0;
};

// A key is source, target, and whether the arc is an inverse, from the highest bits to the lowest:
// an arc stands before the same one made as an inverse.
template <typename Key>
class GraphBuilder::SorterOf : public GraphBuilder::Sorter {
 public:
  explicit SorterOf(const GraphOptions& options)
      : options_(options),
        bits_(BitsFor(options.num_nodes)),
        wide_(HasWideIds(options.num_nodes)),
        runs_(2 * bits_ + 1, RunsBytes(options.memory_bytes), options.scratch_folder,
              options.num_threads),
        neighbors_(NeighborsBytes(options.memory_bytes), options.scratch_folder) {}

  static StepNeeds Needs(const GraphOptions& options, int64_t num_arcs) {
    StepNeeds needs;
    needs.least_bytes = 8 * options.num_nodes;
    needs.memory_bytes = needs.least_bytes + std::min(options.memory_bytes,
                                                      num_arcs * MergedArcBytes(options.num_nodes));
    needs.scratch_bytes = SortedRuns<Key>::ScratchBytes(num_arcs, RunsBytes(options.memory_bytes)) +
                          NeighborList::ScratchBytes(num_arcs * IdBytes(options.num_nodes),
                                                     NeighborsBytes(options.memory_bytes));
    return needs;
  }

  absl::Status Add(absl::Span<const Arc> arcs) override {
    std::vector<Key> keys;
    keys.reserve(arcs.size() * (options_.directed ? 1 : 2));
    int64_t loops = 0;
    for (const Arc& arc : arcs) {
      if (arc.source == arc.target) {
        ++loops;
        continue;
      }
      keys.push_back(options_.reverse ? KeyOf(arc.target, arc.source, false)
                                      : KeyOf(arc.source, arc.target, false));
      if (!options_.directed) keys.push_back(KeyOf(arc.target, arc.source, true));
    }
    added_ += static_cast<int64_t>(arcs.size());
    loops_ += loops;
    const absl::Status status = runs_.Add(keys);
    if (status.ok()) return status;
    std::lock_guard<std::mutex> lock(mutex_);
    status_.Update(status);
    return status;
  }

  absl::StatusOr<GraphCounts> Build(std::vector<int64_t>& indptr, ThreadPool& pool) override {
    QH_RETURN_IF_ERROR(status_);
    QH_RETURN_IF_ERROR(runs_.Finish());
    indptr.assign(AsSize(options_.num_nodes) + 1, 0);
    const int64_t range_bytes = RangesBytes(options_.memory_bytes) / pool.num_threads();
    const std::vector<Key> bounds = runs_.CutIntoRanges(
        std::max(kLeastRangeKeys, range_bytes / MergedArcBytes(options_.num_nodes)));
    const auto num_ranges = static_cast<int64_t>(bounds.size()) - 1;
    int64_t distinct = 0;
    for (int64_t first = 0; first < num_ranges; first += pool.num_threads()) {
      std::vector<Range> ranges(AsSize(std::min<int64_t>(pool.num_threads(), num_ranges - first)));
      pool.ParallelFor(static_cast<int64_t>(ranges.size()), [&](int64_t i, int) {
        ranges[AsSize(i)] = Merge(bounds[AsSize(first + i)], bounds[AsSize(first + i) + 1], indptr);
      });
      for (Range& range : ranges) {
        QH_RETURN_IF_ERROR(range.status);
        distinct += range.originals;
        QH_RETURN_IF_ERROR(neighbors_.Append(range.narrow, range.wide));
        range = {};
      }
    }
    std::exclusive_scan(indptr.begin(), indptr.end(), indptr.begin(), int64_t{0});
    GraphCounts counts;
    counts.arcs_added = added_;
    counts.self_loops_removed = loops_;
    counts.duplicates_removed = added_ - loops_ - distinct;
    counts.arcs = indptr.back();
    counts.inverses_added = counts.arcs - distinct;
    return counts;
  }

  NeighborList& neighbors() override { return neighbors_; }

 private:
  // An arc's key, as much again to merge it, and the neighbour.
  static int64_t MergedArcBytes(int64_t num_nodes) {
    return 2 * static_cast<int64_t>(sizeof(Key)) + IdBytes(num_nodes);
  }

  struct Range {
    absl::Status status;
    int64_t originals = 0;         // distinct arcs that were added as they are
    std::vector<uint32_t> narrow;  // neighbours, in one of the two
    std::vector<int64_t> wide;
  };

  Key KeyOf(int64_t source, int64_t target, bool inverse) const {
    return (static_cast<Key>(source) << bits_ | static_cast<Key>(target)) << 1 | Key{inverse};
  }

  // Counts the arcs of each row in `degrees`.
  Range Merge(Key begin, Key end, std::vector<int64_t>& degrees) {
    Range range;
    std::vector<Key> keys, scratch;
    range.status = runs_.ReadRange(begin, end, keys, scratch);
    scratch = {};
    for (size_t i = 0; i < keys.size(); ++i) {
      range.originals += (keys[i] & 1) == 0;
      if (i > 0 && keys[i] >> 1 == keys[i - 1] >> 1) continue;  // the same arc, as an inverse
      const Key arc = keys[i] >> 1;
      const auto target = static_cast<int64_t>(arc & ((Key{1} << bits_) - 1));
      if (wide_)
        range.wide.push_back(target);
      else
        range.narrow.push_back(static_cast<uint32_t>(target));
      const auto source = static_cast<size_t>(arc >> bits_);
      // A row may go on in the next range.
      std::atomic_ref<int64_t>(degrees[source]).fetch_add(1, std::memory_order_relaxed);
    }
    return range;
  }

  GraphOptions options_;
  int bits_;   // of a node id
  bool wide_;  // ids have 64 bits on disk
  SortedRuns<Key> runs_;
  NeighborList neighbors_;
  std::atomic<int64_t> added_ = 0;
  std::atomic<int64_t> loops_ = 0;
  std::mutex mutex_;  // guards status_
  absl::Status status_;
};

GraphBuilder::GraphBuilder(GraphOptions options) : options_(std::move(options)) {
  QH_CHECK_GE(options_.num_nodes, 1);
  if (FitsNarrowKeys(options_.num_nodes)) {
    sorter_ = std::make_unique<SorterOf<uint64_t>>(options_);
  } else {
    sorter_ = std::make_unique<SorterOf<unsigned __int128>>(options_);
  }
}

StepNeeds GraphBuilder::Needs(const GraphOptions& options, int64_t num_arcs) {
  return FitsNarrowKeys(options.num_nodes) ? SorterOf<uint64_t>::Needs(options, num_arcs)
                                           : SorterOf<unsigned __int128>::Needs(options, num_arcs);
}

GraphBuilder::~GraphBuilder() = default;

bool GraphBuilder::wide() const { return HasWideIds(num_nodes()); }

absl::Status GraphBuilder::Add(absl::Span<const Arc> arcs) { return sorter_->Add(arcs); }

absl::StatusOr<GraphCounts> GraphBuilder::Build(ThreadPool& pool) {
  return sorter_->Build(indptr_, pool);
}

template <typename T>
absl::Status GraphBuilder::CopyIndices(absl::Span<T> out) {
  QH_CHECK_EQ(sizeof(T) == 8, wide());
  return sorter_->neighbors().CopyTo(out);
}

template absl::Status GraphBuilder::CopyIndices(absl::Span<uint32_t>);
template absl::Status GraphBuilder::CopyIndices(absl::Span<int64_t>);

}  // namespace quadhop
