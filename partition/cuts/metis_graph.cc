#include "partition/cuts/metis_graph.h"

#include <algorithm>
#include <atomic>

#include "core/rng.h"
#include "partition/visit_indices.h"

namespace quadhop {
namespace {

constexpr int64_t kNodesPerBlock = 4096;

uint64_t ArcHash(int64_t source, int64_t target) {
  return Mix64(Mix64(static_cast<uint64_t>(source)) ^ static_cast<uint64_t>(target));
}

// Calls function(source, target) for each arc.
template <typename Function>
void ForEachArc(const Topology& topology, int64_t begin, int64_t end, Function function) {
  VisitIndices(topology, [&](auto indices) {
    for (int64_t node = begin; node < end; ++node)
      for (const auto neighbor : NeighborsOf(topology, indices, node))
        function(node, static_cast<int64_t>(neighbor));
  });
}

void CopyArcs(const Topology& topology, MetisGraph& graph) {
  graph.xadj.assign(topology.indptr.begin(), topology.indptr.end());
  VisitIndices(topology,
               [&](auto indices) { graph.adjncy.assign(indices.begin(), indices.end()); });
}

// Both directions of every arc, each once.
void SymmetrizeArcs(const Topology& topology, MetisGraph& graph) {
  const int64_t num_nodes = topology.num_nodes();
  std::vector<int64_t> start(static_cast<size_t>(num_nodes) + 1);
  ForEachArc(topology, 0, num_nodes, [&](int64_t source, int64_t target) {
    ++start[static_cast<size_t>(source) + 1];
    ++start[static_cast<size_t>(target) + 1];
  });
  for (size_t i = 1; i < start.size(); ++i) start[i] += start[i - 1];
  std::vector<int64_t> next(start.begin(), start.end() - 1);
  graph.adjncy.resize(static_cast<size_t>(start.back()));
  ForEachArc(topology, 0, num_nodes, [&](int64_t source, int64_t target) {
    graph.adjncy[static_cast<size_t>(next[static_cast<size_t>(source)]++)] =
        static_cast<int32_t>(target);
    graph.adjncy[static_cast<size_t>(next[static_cast<size_t>(target)]++)] =
        static_cast<int32_t>(source);
  });
  graph.xadj.assign(1, 0);
  auto end = graph.adjncy.begin();
  for (size_t node = 0; node + 1 < start.size(); ++node) {
    const auto from = graph.adjncy.begin() + start[node];
    const auto to = graph.adjncy.begin() + start[node + 1];
    std::sort(from, to);
    end = std::copy(from, std::unique(from, to), end);
    graph.xadj.push_back(static_cast<int32_t>(end - graph.adjncy.begin()));
  }
  graph.adjncy.erase(end, graph.adjncy.end());
}

}  // namespace

bool IsSymmetric(const Topology& topology, ThreadPool& pool) {
  std::atomic<uint64_t> difference = 0;
  pool.ParallelFor(NumBlocks(topology.num_nodes(), kNodesPerBlock), [&](int64_t block, int) {
    const BlockRange range = Block(block, topology.num_nodes(), kNodesPerBlock);
    uint64_t sum = 0;
    ForEachArc(topology, range.begin, range.end, [&](int64_t source, int64_t target) {
      sum += ArcHash(source, target) - ArcHash(target, source);
    });
    difference += sum;
  });
  return difference == 0;
}

MetisGraph MetisGraph::Of(const PartitionProblem& problem, bool symmetric) {
  MetisGraph graph;
  if (symmetric)
    CopyArcs(problem.topology, graph);
  else
    SymmetrizeArcs(problem.topology, graph);
  const size_t num_nodes = graph.xadj.size() - 1;
  const bool has_train =
      std::any_of(problem.train.begin(), problem.train.end(), [](uint8_t t) { return t != 0; });
  const bool has_arcs = !graph.adjncy.empty();
  graph.num_constraints = 1 + has_arcs + has_train;
  graph.weights.reserve(num_nodes * static_cast<size_t>(graph.num_constraints));
  for (size_t node = 0; node < num_nodes; ++node) {
    graph.weights.push_back(1);
    // METIS balances what it is given: the arcs that a rank stores are the directed ones.
    if (has_arcs)
      graph.weights.push_back(
          static_cast<int32_t>(problem.topology.degree(static_cast<int64_t>(node))));
    if (has_train) graph.weights.push_back(problem.train[node] != 0);
  }
  return graph;
}

}  // namespace quadhop
