#include "partition/cuts/isolated_nodes.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <queue>
#include <tuple>
#include <utility>

namespace quadhop {

LinkedFirst PutLinkedFirst(MetisGraph& graph) {
  const auto num_nodes = static_cast<size_t>(graph.num_nodes());
  const auto degree = [&](int32_t node) {
    const auto v = static_cast<size_t>(node);
    return graph.xadj[v + 1] - graph.xadj[v];
  };
  LinkedFirst order;
  std::vector<int32_t>& old_of_new = order.old_of_new;
  old_of_new.resize(num_nodes);
  std::iota(old_of_new.begin(), old_of_new.end(), 0);
  const auto isolated = std::stable_partition(old_of_new.begin(), old_of_new.end(),
                                              [&](int32_t node) { return degree(node) > 0; });
  order.num_linked = static_cast<int32_t>(isolated - old_of_new.begin());
  if (isolated == old_of_new.end()) return order;

  // Rows stay where they are in adjncy: those moved are empty.
  std::vector<int32_t> new_of_old(num_nodes), xadj = {0}, weights;
  xadj.reserve(num_nodes + 1);
  weights.reserve(graph.weights.size());
  for (size_t v = 0; v < num_nodes; ++v) {
    const int32_t old = old_of_new[v];
    new_of_old[static_cast<size_t>(old)] = static_cast<int32_t>(v);
    xadj.push_back(xadj.back() + degree(old));
    for (size_t b = 0; b < kBalances; ++b) weights.push_back(graph.weight(old, b));
  }
  for (int32_t& neighbor : graph.adjncy) neighbor = new_of_old[static_cast<size_t>(neighbor)];
  graph.xadj = std::move(xadj);
  graph.weights = std::move(weights);
  return order;
}

void DealOut(const MetisGraph& graph, int32_t first, int32_t parts, absl::Span<int32_t> part_of) {
  std::vector<Weights> loads(static_cast<size_t>(parts));
  const auto give = [&](int32_t node, int32_t part) {
    part_of[static_cast<size_t>(node)] = part;
    for (size_t b = 0; b < kBalances; ++b)
      loads[static_cast<size_t>(part)][b] += graph.weight(node, b);
  };
  for (int32_t node = 0; node < first; ++node) give(node, part_of[static_cast<size_t>(node)]);

  std::vector<int32_t> rest(part_of.size() - static_cast<size_t>(first));
  std::iota(rest.begin(), rest.end(), first);
  for (size_t b = kBalances; b-- > 0;) {
    const auto heavy = std::stable_partition(
        rest.begin(), rest.end(), [&](int32_t node) { return graph.weight(node, b) == 0; });
    std::stable_sort(heavy, rest.end(), [&](int32_t one, int32_t other) {
      return graph.weight(one, b) > graph.weight(other, b);
    });
    using Fullness = std::tuple<int64_t, int64_t, int32_t>;  // of b, of nodes; the part
    std::priority_queue<Fullness, std::vector<Fullness>, std::greater<>> emptiest;
    const auto add = [&](int32_t part) {
      const Weights& load = loads[static_cast<size_t>(part)];
      emptiest.emplace(load[b], load[0], part);
    };
    for (int32_t part = 0; part < parts; ++part) add(part);
    for (auto node = heavy; node != rest.end(); ++node) {
      const int32_t part = std::get<2>(emptiest.top());
      emptiest.pop();
      give(*node, part);
      add(part);
    }
    rest.erase(heavy, rest.end());
  }
}

}  // namespace quadhop
