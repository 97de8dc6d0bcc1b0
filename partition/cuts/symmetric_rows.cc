#include "partition/cuts/symmetric_rows.h"

#include <algorithm>
#include <atomic>

#include "core/base/rng.h"
#include "core/store/topology.h"

namespace quadhop {
namespace {

constexpr int64_t kNodesPerBlock = 4096;

uint64_t ArcHash(int64_t source, int64_t target) {
  return Mix64(Mix64(static_cast<uint64_t>(source)) ^ static_cast<uint64_t>(target));
}

// Calls function(source, target) for each arc out of nodes [begin, end).
template <typename Function>
void ForEachArc(const Topology& topology, int64_t begin, int64_t end, Function function) {
  VisitIndices(topology, [&](auto indices) {
    for (int64_t node = begin; node < end; ++node)
      for (const auto neighbor : NeighborsOf(topology, indices, node))
        function(node, static_cast<int64_t>(neighbor));
  });
}

template <typename Id>
SymmetricRows<Id> CopyRows(const Topology& topology, int64_t begin, int64_t end) {
  const int64_t first = topology.indptr[static_cast<size_t>(begin)];
  const int64_t last = topology.indptr[static_cast<size_t>(end)];
  SymmetricRows<Id> rows;
  rows.starts.reserve(static_cast<size_t>(end - begin) + 1);
  for (int64_t node = begin; node <= end; ++node)
    rows.starts.push_back(static_cast<Id>(topology.indptr[static_cast<size_t>(node)] - first));
  VisitIndices(topology, [&](auto indices) {
    rows.neighbors.assign(indices.begin() + first, indices.begin() + last);
  });
  return rows;
}

// Both ends of every arc that are in [begin, end): visit(row, neighbour).
template <typename Visit>
void ForEachEnd(const Topology& topology, int64_t begin, int64_t end, Visit visit) {
  ForEachArc(topology, 0, topology.num_nodes(), [&](int64_t source, int64_t target) {
    if (source >= begin && source < end) visit(static_cast<size_t>(source - begin), target);
    if (target >= begin && target < end) visit(static_cast<size_t>(target - begin), source);
  });
}

template <typename Id>
SymmetricRows<Id> AddInverses(const Topology& topology, int64_t begin, int64_t end) {
  std::vector<int64_t> start(static_cast<size_t>(end - begin) + 1);
  ForEachEnd(topology, begin, end, [&](size_t row, int64_t) { ++start[row + 1]; });
  for (size_t i = 1; i < start.size(); ++i) start[i] += start[i - 1];
  std::vector<int64_t> next(start.begin(), start.end() - 1);
  SymmetricRows<Id> rows;
  rows.neighbors.resize(static_cast<size_t>(start.back()));
  ForEachEnd(topology, begin, end, [&](size_t row, int64_t neighbor) {
    rows.neighbors[static_cast<size_t>(next[row]++)] = static_cast<Id>(neighbor);
  });
  rows.starts.assign(1, 0);
  auto kept = rows.neighbors.begin();
  for (size_t row = 0; row + 1 < start.size(); ++row) {
    const auto from = rows.neighbors.begin() + start[row];
    const auto to = rows.neighbors.begin() + start[row + 1];
    std::sort(from, to);
    kept = std::copy(from, std::unique(from, to), kept);
    rows.starts.push_back(static_cast<Id>(kept - rows.neighbors.begin()));
  }
  rows.neighbors.erase(kept, rows.neighbors.end());
  return rows;
}

}  // namespace

uint64_t AsymmetryHash(const Topology& topology, int64_t begin, int64_t end, ThreadPool& pool) {
  std::atomic<uint64_t> difference = 0;
  pool.ParallelFor(NumBlocks(end - begin, kNodesPerBlock), [&](int64_t block, int) {
    const BlockRange range = Block(block, end - begin, kNodesPerBlock);
    uint64_t sum = 0;
    ForEachArc(topology, begin + range.begin, begin + range.end,
               [&](int64_t source, int64_t target) {
                 sum += ArcHash(source, target) - ArcHash(target, source);
               });
    difference += sum;
  });
  return difference;
}

bool IsSymmetric(const Topology& topology, ThreadPool& pool) {
  return AsymmetryHash(topology, 0, topology.num_nodes(), pool) == 0;
}

template <typename Id>
SymmetricRows<Id> SymmetricRowsOf(const Topology& topology, bool symmetric, int64_t begin,
                                  int64_t end) {
  return symmetric ? CopyRows<Id>(topology, begin, end) : AddInverses<Id>(topology, begin, end);
}

template SymmetricRows<int32_t> SymmetricRowsOf(const Topology&, bool, int64_t, int64_t);
template SymmetricRows<int64_t> SymmetricRowsOf(const Topology&, bool, int64_t, int64_t);

}  // namespace quadhop
