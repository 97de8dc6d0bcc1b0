#include "sampler/samples/resident_topology.h"

#include <algorithm>

#include "core/store/topology.h"

namespace quadhop {
namespace {

constexpr int64_t kBlockNodes = 4096;

template <typename Index>
void MarkNeighbours(const Topology& whole, absl::Span<const Index> indices,
                    absl::Span<const GlobalId> training, std::vector<bool>& kept) {
  for (const GlobalId node : training) {
    const auto v = static_cast<size_t>(node.value());
    kept[v] = true;
    for (int64_t at = whole.indptr[v]; at < whole.indptr[v + 1]; ++at)
      kept[static_cast<size_t>(indices[static_cast<size_t>(at)])] = true;
  }
}

// [N]: whether the row of each node is needed.
std::vector<bool> KeptRows(const Topology& whole, absl::Span<const GlobalId> training) {
  std::vector<bool> kept(static_cast<size_t>(whole.num_nodes()));
  VisitIndices(whole, [&](auto indices) { MarkNeighbours(whole, indices, training, kept); });
  return kept;
}

template <typename Index>
void CopyKept(const Topology& whole, absl::Span<const Index> from,
              const std::vector<int64_t>& indptr, std::vector<Index>& to, ThreadPool& pool) {
  to.resize(static_cast<size_t>(indptr.back()));
  pool.ParallelFor(NumBlocks(whole.num_nodes(), kBlockNodes), [&](int64_t block, int) {
    const BlockRange nodes = Block(block, whole.num_nodes(), kBlockNodes);
    for (auto v = static_cast<size_t>(nodes.begin); v < static_cast<size_t>(nodes.end); ++v)
      std::copy_n(from.begin() + whole.indptr[v], indptr[v + 1] - indptr[v],
                  to.begin() + indptr[v]);
  });
}

}  // namespace

ResidentTopology ResidentTopology::Build(const Topology& whole, absl::Span<const GlobalId> training,
                                         ThreadPool& pool) {
  const std::vector<bool> kept = KeptRows(whole, training);
  ResidentTopology resident;
  resident.indptr_.resize(kept.size() + 1);
  for (size_t v = 0; v < kept.size(); ++v)
    resident.indptr_[v + 1] =
        resident.indptr_[v] + (kept[v] ? whole.degree(static_cast<int64_t>(v)) : 0);
  if (!whole.indices32.empty())
    CopyKept(whole, whole.indices32, resident.indptr_, resident.indices32_, pool);
  else
    CopyKept(whole, whole.indices64, resident.indptr_, resident.indices64_, pool);
  return resident;
}

int64_t ResidentTopology::bytes() const {
  return static_cast<int64_t>(indptr_.size() * sizeof(int64_t) +
                              indices32_.size() * sizeof(uint32_t) +
                              indices64_.size() * sizeof(int64_t));
}

int64_t ResidentTopologyBytes(const Topology& whole, absl::Span<const GlobalId> training) {
  const std::vector<bool> kept = KeptRows(whole, training);
  int64_t arcs = 0;
  for (size_t v = 0; v < kept.size(); ++v)
    if (kept[v]) arcs += whole.degree(static_cast<int64_t>(v));
  const int64_t arc_bytes = whole.indices32.empty() ? sizeof(int64_t) : sizeof(uint32_t);
  return (whole.num_nodes() + 1) * static_cast<int64_t>(sizeof(int64_t)) + arcs * arc_bytes;
}

}  // namespace quadhop
