#include "partition/cuts/metis_graph.h"

#include <algorithm>
#include <utility>

#include "partition/cuts/symmetric_rows.h"

namespace quadhop {

MetisGraph MetisGraph::Of(const PartitionProblem& problem, bool symmetric) {
  SymmetricRows<int32_t> rows =
      SymmetricRowsOf<int32_t>(problem.topology, symmetric, 0, problem.topology.num_nodes());
  MetisGraph graph;
  graph.xadj = std::move(rows.starts);
  graph.adjncy = std::move(rows.neighbors);
  const size_t num_nodes = graph.xadj.size() - 1;
  const bool has_train =
      std::any_of(problem.train.begin(), problem.train.end(), [](uint8_t t) { return t != 0; });
  const bool has_arcs = !graph.adjncy.empty();
  graph.imbalances.push_back(static_cast<float>(problem.imbalance));
  if (has_arcs) graph.imbalances.push_back(static_cast<float>(problem.imbalance));
  if (has_train) graph.imbalances.push_back(static_cast<float>(problem.train_imbalance()));
  graph.weights.reserve(num_nodes * graph.imbalances.size());
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
