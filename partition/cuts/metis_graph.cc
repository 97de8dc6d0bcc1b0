#include "partition/cuts/metis_graph.h"

#include <utility>

#include "partition/cuts/symmetric_rows.h"

namespace quadhop {

MetisGraph MetisGraph::Of(const PartitionProblem& problem, bool symmetric) {
  SymmetricRows<int32_t> rows =
      SymmetricRowsOf<int32_t>(problem.topology, symmetric, 0, problem.topology.num_nodes());
  MetisGraph graph;
  graph.xadj = std::move(rows.starts);
  graph.adjncy = std::move(rows.neighbors);
  graph.imbalances = problem.imbalances();
  const auto num_nodes = static_cast<size_t>(graph.num_nodes());
  graph.weights.reserve(num_nodes * kBalances);
  for (size_t node = 0; node < num_nodes; ++node) {
    graph.weights.push_back(1);
    // METIS balances what it is given: the arcs that a rank stores are the directed ones.
    graph.weights.push_back(
        static_cast<int32_t>(problem.topology.degree(static_cast<int64_t>(node))));
    graph.weights.push_back(!problem.train.empty() && problem.train[node] != 0);
  }
  return graph;
}

}  // namespace quadhop
