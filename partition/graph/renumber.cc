#include "partition/graph/renumber.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/base/check.h"
#include "core/store/topology.h"

namespace quadhop {
namespace {

constexpr int64_t kNodesPerBlock = 4096;

}  // namespace

Numbering Numbering::FromOldOfNew(std::vector<int64_t> old_of_new) {
  Numbering numbering;
  numbering.new_of_old.resize(old_of_new.size());
  for (size_t node = 0; node < old_of_new.size(); ++node)
    numbering.new_of_old[static_cast<size_t>(old_of_new[node])] = static_cast<int64_t>(node);
  numbering.old_of_new = std::move(old_of_new);
  return numbering;
}

template <typename Index>
void RenumberTopology(const Topology& topology, const Numbering& numbering,
                      absl::Span<int64_t> indptr, absl::Span<Index> indices, ThreadPool& pool) {
  const int64_t num_nodes = topology.num_nodes();
  QH_CHECK_EQ(static_cast<int64_t>(indptr.size()), num_nodes + 1);
  QH_CHECK_EQ(static_cast<int64_t>(indices.size()), topology.num_arcs());
  indptr[0] = 0;
  for (size_t node = 0; node < numbering.old_of_new.size(); ++node)
    indptr[node + 1] = indptr[node] + topology.degree(numbering.old_of_new[node]);
  VisitIndices(topology, [&](auto old_indices) {
    pool.ParallelFor(NumBlocks(num_nodes, kNodesPerBlock), [&](int64_t block, int) {
      const BlockRange range = Block(block, num_nodes, kNodesPerBlock);
      for (auto node = static_cast<size_t>(range.begin); node < static_cast<size_t>(range.end);
           ++node) {
        Index* const first = indices.data() + indptr[node];
        Index* last = first;
        for (const auto old : NeighborsOf(topology, old_indices, numbering.old_of_new[node]))
          *last++ = static_cast<Index>(numbering.new_of_old[static_cast<size_t>(old)]);
        std::sort(first, last);
      }
    });
  });
}

template void RenumberTopology<uint32_t>(const Topology&, const Numbering&, absl::Span<int64_t>,
                                         absl::Span<uint32_t>, ThreadPool&);
template void RenumberTopology<int64_t>(const Topology&, const Numbering&, absl::Span<int64_t>,
                                        absl::Span<int64_t>, ThreadPool&);

void RenumberRows(const uint8_t* rows, const Numbering& numbering, int64_t row_bytes,
                  uint8_t* renumbered, ThreadPool& pool) {
  const auto num_nodes = static_cast<int64_t>(numbering.old_of_new.size());
  pool.ParallelFor(NumBlocks(num_nodes, kNodesPerBlock), [&](int64_t block, int) {
    const BlockRange range = Block(block, num_nodes, kNodesPerBlock);
    for (int64_t node = range.begin; node < range.end; ++node)
      std::memcpy(renumbered + node * row_bytes,
                  rows + numbering.old_of_new[static_cast<size_t>(node)] * row_bytes,
                  static_cast<size_t>(row_bytes));
  });
}

}  // namespace quadhop
