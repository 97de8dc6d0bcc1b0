#include "sampler/samples/two_hop_sampler.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "core/base/check.h"
#include "core/base/rng.h"
#include "core/store/topology.h"
#include "sampler/samples/entry_hash.h"
#include "sampler/samples/sample_rules.h"

namespace quadhop {
namespace {

using Scratch = TwoHopSampler::Scratch;

constexpr uint32_t kNoLimit = std::numeric_limits<uint32_t>::max();
constexpr size_t kKeptSize = 1024;

std::vector<NeighbourRow<uint32_t>>& Rows(Scratch& s, uint32_t) { return s.rows32; }
std::vector<NeighbourRow<int64_t>>& Rows(Scratch& s, int64_t) { return s.rows64; }
std::vector<uint32_t>& Kept(Scratch& s, uint32_t) { return s.kept32; }
std::vector<int64_t>& Kept(Scratch& s, int64_t) { return s.kept64; }

template <typename Index>
GlobalId AsNode(Index index) {
  return GlobalId(static_cast<int64_t>(index));
}

// The first min(count, bound) distinct values of DrawBelow(key, i, bound), i = 0, 1, ..., in their
// order.
absl::Span<const int64_t> DistinctDraws(uint64_t key, int64_t bound, int64_t count,
                                        Scratch& scratch) {
  count = std::min(count, bound);
  const size_t slots = std::bit_ceil(2 * static_cast<size_t>(count) + 2);
  scratch.draw_table.assign(slots, -1);
  scratch.draws.clear();
  for (uint64_t i = 0; static_cast<int64_t>(scratch.draws.size()) < count; ++i) {
    const int64_t value = DrawBelow(key, i, bound);
    size_t slot = static_cast<size_t>(Mix64(static_cast<uint64_t>(value))) & (slots - 1);
    while (scratch.draw_table[slot] != -1 && scratch.draw_table[slot] != value)
      slot = (slot + 1) & (slots - 1);
    if (scratch.draw_table[slot] == value) continue;
    scratch.draw_table[slot] = value;
    scratch.draws.push_back(value);
  }
  return scratch.draws;
}

// Fills the rest of `out` with repetitions of out[0, count).
void RepeatFirst(size_t count, absl::Span<GlobalId> out) {
  for (size_t i = count; i < out.size(); ++i) out[i] = out[i - count];
}

void SampleGraph(uint64_t node_key, int64_t num_nodes, absl::Span<GlobalId> out, Scratch& scratch) {
  const auto draws = DistinctDraws(Mix64(node_key ^ kGraphDraws), num_nodes,
                                   static_cast<int64_t>(out.size()), scratch);
  for (size_t i = 0; i < draws.size(); ++i) out[i] = GlobalId(draws[i]);
  RepeatFirst(draws.size(), out);
}

template <typename Index>
void InsertSmall(absl::Span<const NeighbourRow<Index>> rows, EntryKey key, uint64_t hop_bit,
                 std::vector<Index>& kept, BottomK& smallest) {
  for (RowCursor cursor; cursor.row < rows.size();) {
    const size_t count =
        FilterRows(rows, key, smallest.upper_limit(), cursor, absl::MakeSpan(kept));
    for (size_t i = 0; i < count; ++i) {
      const auto id = static_cast<uint64_t>(kept[i]);
      smallest.Insert({EntryHash(key, id), EntryOf(id, hop_bit)});
    }
  }
}

// The upper limit of hashes below which about `wanted` of `expected` uniform hashes are, with room
// for bad luck.
uint32_t LimitFor(double wanted, double expected) {
  const double share = (wanted + 4 * std::sqrt(wanted) + 4) / expected;
  return share > 0.25 ? kNoLimit : static_cast<uint32_t>(share * 0x1p32);
}

// own: the pool's 1-hop entries. num_two_step: the number of entries in `rows`, repeats counted.
template <typename Index>
void SampleExact(const NeighbourRow<Index>& own, absl::Span<const NeighbourRow<Index>> rows,
                 int64_t num_two_step, int64_t num_nodes, uint64_t node_key,
                 absl::Span<GlobalId> out, Scratch& scratch) {
  const auto wanted = static_cast<int64_t>(out.size());
  const EntryKey first = MakeEntryKey(node_key, kFirstHop);
  const EntryKey second = MakeEntryKey(node_key, kSecondHop);
  const double most = static_cast<double>(own.size + std::min(num_two_step, num_nodes));
  std::vector<Index>& kept = Kept(scratch, Index());
  kept.resize(kKeptSize);
  BottomK& smallest = scratch.smallest;
  uint32_t limit = LimitFor(static_cast<double>(wanted), scratch.distinct_share * most);
  for (;;) {
    smallest.Reset(wanted, own.size + num_two_step, limit);
    InsertSmall<Index>({&own, 1}, first, 0, kept, smallest);
    InsertSmall<Index>(rows, second, 1, kept, smallest);
    if (limit == kNoLimit) break;
    const double seen = static_cast<double>(smallest.size()) / (limit * 0x1p-32 * most);
    const bool enough = smallest.size() >= wanted;
    scratch.distinct_share +=
        (enough ? 0.05 : 0.5) * (std::clamp(seen, 0.01, 1.0) - scratch.distinct_share);
    if (enough) break;
    limit = kNoLimit;
  }
  const auto sample = smallest.Sorted();
  for (size_t i = 0; i < sample.size(); ++i) out[i] = GlobalId(NodeOfEntry(sample[i].id));
  RepeatFirst(sample.size(), out);
}

template <typename Index>
void SamplePaths(const NeighbourRow<Index>& own, absl::Span<const NeighbourRow<Index>> rows,
                 int64_t num_two_step, uint64_t node_key, absl::Span<GlobalId> out,
                 Scratch& scratch) {
  std::vector<int64_t>& ends = scratch.path_ends;
  ends.resize(rows.size());
  int64_t end = 0;
  for (size_t i = 0; i < rows.size(); ++i) ends[i] = end += rows[i].size;
  const auto draws = DistinctDraws(Mix64(node_key ^ kPathDraws), own.size + num_two_step,
                                   static_cast<int64_t>(out.size()), scratch);
  // First finds where every end is, then reads what is there: the reads overlap.
  for (int64_t& draw : scratch.draws) {
    const Index* at = own.begin + draw;
    if (draw >= own.size) {
      const int64_t path = draw - own.size;
      const auto row =
          static_cast<size_t>(std::upper_bound(ends.begin(), ends.end(), path) - ends.begin());
      at = rows[row].begin + (path - (ends[row] - rows[row].size));
    }
    __builtin_prefetch(at);
    draw = at - own.begin;
  }
  for (size_t i = 0; i < draws.size(); ++i) out[i] = AsNode(own.begin[draws[i]]);
  RepeatFirst(draws.size(), out);
}

}  // namespace

TwoHopSampler::TwoHopSampler(const Topology& topology, const SamplerOptions& options)
    : topology_(topology), options_(options) {
  QH_CHECK_GE(options_.sampled_nodes, 1);
  QH_CHECK_GE(topology_.num_nodes(), 1);
}

void TwoHopSampler::Sample(int64_t epoch, GlobalId node, absl::Span<GlobalId> out,
                           Scratch& scratch) const {
  QH_CHECK_EQ(out.size(), static_cast<size_t>(options_.sampled_nodes));
  out[0] = node;
  if (out.size() == 1) return;
  const uint64_t node_key = SampleKey(options_.seed, options_.DrawnEpoch(epoch), node.value());
  VisitIndices(topology_, [&](auto indices) {
    SampleFrom(indices, node_key, node.value(), out.subspan(1), scratch);
  });
}

template <typename Index>
void TwoHopSampler::SampleFrom(absl::Span<const Index> indices, uint64_t node_key, int64_t node,
                               absl::Span<GlobalId> out, Scratch& scratch) const {
  constexpr int64_t kAhead = 24;
  const int64_t* indptr = topology_.indptr.data();
  const NeighbourRow<Index> own = {indices.data() + indptr[node], topology_.degree(node)};
  if (own.size == 0) return SampleGraph(node_key, topology_.num_nodes(), out, scratch);
  for (int64_t i = 0; i < std::min(kAhead, own.size); ++i)
    __builtin_prefetch(indptr + static_cast<int64_t>(own.begin[i]));
  std::vector<NeighbourRow<Index>>& rows = Rows(scratch, Index());
  rows.resize(static_cast<size_t>(own.size));
  int64_t num_two_step = 0;
  for (int64_t i = 0; i < own.size; ++i) {
    if (i + kAhead < own.size)
      __builtin_prefetch(indptr + static_cast<int64_t>(own.begin[i + kAhead]));
    const int64_t* at = indptr + static_cast<int64_t>(own.begin[i]);
    rows[static_cast<size_t>(i)] = {indices.data() + at[0], at[1] - at[0]};
    num_two_step += at[1] - at[0];
  }
  if (options_.method == SamplerOptions::Method::kExact)
    SampleExact<Index>(own, rows, num_two_step, topology_.num_nodes(), node_key, out, scratch);
  else
    SamplePaths<Index>(own, rows, num_two_step, node_key, out, scratch);
}

void TwoHopSampler::Prefetch(GlobalId node) const {
  const int64_t begin = topology_.indptr[static_cast<size_t>(node.value())];
  VisitIndices(topology_, [&](auto indices) { __builtin_prefetch(indices.data() + begin); });
}

}  // namespace quadhop
