// The topology of the fixed test graphs (DESIGN.md section 8), made in memory for benchmarks:
// Chung-Lu with power-law weights of exponent 2.5, largest 10 sqrt(N), undirected, node ids without
// order.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "core/rng.h"
#include "core/store.h"

namespace quadhop {

struct ChungLuGraph {
  std::vector<int64_t> indptr;    // [N + 1]
  std::vector<uint32_t> indices;  // [E]
  Topology topology() const { return {indptr, indices, {}}; }
};

// Expected degrees w [N], ascending: quantiles of the truncated power law whose mean is
// mean_degree.
inline std::vector<double> ChungLuWeights(int64_t num_nodes, double mean_degree) {
  constexpr double kTail = 1.5;  // exponent - 1
  const double largest = 10 * std::sqrt(static_cast<double>(num_nodes));
  const auto mean_of = [&](double least) {
    const double ratio = least / largest;
    return kTail / (kTail - 1) * least * (1 - std::pow(ratio, kTail - 1)) /
           (1 - std::pow(ratio, kTail));
  };
  double low = 1e-3, high = mean_degree;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (mean_of(middle) < mean_degree ? low : high) = middle;
  }
  std::vector<double> weights(static_cast<size_t>(num_nodes));
  const double spread = 1 - std::pow(low / largest, kTail);
  for (size_t i = 0; i < weights.size(); ++i) {
    const double quantile = (static_cast<double>(i) + 0.5) / static_cast<double>(num_nodes);
    weights[i] = low * std::pow(1 - quantile * spread, -1 / kTail);
  }
  return weights;
}

inline ChungLuGraph MakeChungLu(int64_t num_nodes, double mean_degree, uint64_t seed) {
  std::vector<double> running = ChungLuWeights(num_nodes, mean_degree);
  RandomStream random(seed, RandomPurpose::kSynthetic, 0, 0);
  for (size_t i = running.size(); i > 1; --i) std::swap(running[i - 1], running[random.Below(i)]);
  for (size_t i = 1; i < running.size(); ++i) running[i] += running[i - 1];
  const auto num_edges = static_cast<size_t>(static_cast<double>(num_nodes) * mean_degree / 2);
  std::vector<uint32_t> ends(2 * num_edges);  // edge e: ends[2e], ends[2e+1]
  for (uint32_t& end : ends) {
    const double at = random.Uniform() * running.back();
    end = static_cast<uint32_t>(std::upper_bound(running.begin(), running.end() - 1, at) -
                                running.begin());
  }
  ChungLuGraph graph;
  std::vector<int64_t> begin(static_cast<size_t>(num_nodes) + 1);
  for (uint32_t end : ends) ++begin[end + 1];
  for (size_t i = 1; i < begin.size(); ++i) begin[i] += begin[i - 1];
  graph.indices.resize(ends.size());
  std::vector<int64_t> next = begin;
  for (size_t e = 0; e < ends.size(); ++e)
    graph.indices[static_cast<size_t>(next[ends[e]]++)] = ends[e ^ 1];
  graph.indptr.assign(begin.size(), 0);
  int64_t size = 0;
  for (size_t v = 0; v + 1 < begin.size(); ++v) {
    const auto first = graph.indices.begin() + begin[v],
               last = graph.indices.begin() + begin[v + 1];
    std::sort(first, last);
    for (auto at = first; at != last; ++at)
      if (*at != v && (at == first || *at != *(at - 1)))
        graph.indices[static_cast<size_t>(size++)] = *at;
    graph.indptr[v + 1] = size;
  }
  graph.indices.resize(static_cast<size_t>(size));
  return graph;
}

}  // namespace quadhop
