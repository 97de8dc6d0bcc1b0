// Graphs written out as lists of out-neighbours, and what a sample of them may hold, enumerated.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "core/base/rng.h"
#include "core/store/topology.h"

namespace quadhop {

struct SmallGraph {
  explicit SmallGraph(const std::vector<std::vector<int64_t>>& out_neighbours)
      : neighbours(out_neighbours), indptr(1, 0) {
    for (auto& row : neighbours) {
      std::sort(row.begin(), row.end());
      for (int64_t u : row) {
        indices32.push_back(static_cast<uint32_t>(u));
        indices64.push_back(u);
      }
      indptr.push_back(static_cast<int64_t>(indices64.size()));
    }
  }
  Topology topology32() const { return {indptr, indices32, {}}; }
  Topology topology64() const { return {indptr, {}, indices64}; }

  std::vector<std::vector<int64_t>> neighbours;
  std::vector<int64_t> indptr;
  std::vector<uint32_t> indices32;
  std::vector<int64_t> indices64;
};

// Each ordered pair of different nodes is an arc with probability `density`; a few nodes point to
// all.
inline SmallGraph RandomGraph(int64_t num_nodes, double density, int64_t num_hubs, uint64_t seed) {
  RandomStream random(seed, RandomPurpose::kTest, 0, 0);
  std::vector<std::vector<int64_t>> rows(static_cast<size_t>(num_nodes));
  for (int64_t v = 0; v < num_nodes; ++v)
    for (int64_t u = 0; u < num_nodes; ++u)
      if (u != v && (v < num_hubs || random.Uniform() < density))
        rows[static_cast<size_t>(v)].push_back(u);
  return SmallGraph(rows);
}

// (hop, node): the pool of DESIGN.md section 4.
using PoolEntry = std::pair<int, int64_t>;
inline std::set<PoolEntry> PoolOf(const SmallGraph& graph, int64_t node) {
  std::set<PoolEntry> pool;
  for (int64_t u : graph.neighbours[static_cast<size_t>(node)]) {
    pool.emplace(1, u);
    for (int64_t w : graph.neighbours[static_cast<size_t>(u)]) pool.emplace(2, w);
  }
  return pool;
}

// The end of each one-step path, then of each two-step path.
inline std::vector<int64_t> PathEndsOf(const SmallGraph& graph, int64_t node) {
  const auto& neighbours = graph.neighbours[static_cast<size_t>(node)];
  std::vector<int64_t> ends = neighbours;
  for (int64_t u : neighbours)
    for (int64_t w : graph.neighbours[static_cast<size_t>(u)]) ends.push_back(w);
  return ends;
}

// The probability of each multiset of nodes when `count` of `members` are drawn uniformly without
// replacement. Multisets are sorted vectors.
inline std::map<std::vector<int64_t>, double> DrawProbabilities(const std::vector<int64_t>& members,
                                                                size_t count) {
  std::map<std::vector<int64_t>, double> probabilities;
  std::vector<bool> taken(members.size());
  std::fill(taken.begin(), taken.begin() + static_cast<std::ptrdiff_t>(count), true);
  double num_subsets = 0;
  do {
    std::vector<int64_t> drawn;
    for (size_t i = 0; i < members.size(); ++i)
      if (taken[i]) drawn.push_back(members[i]);
    std::sort(drawn.begin(), drawn.end());
    ++probabilities[drawn];
    ++num_subsets;
  } while (std::prev_permutation(taken.begin(), taken.end()));
  for (auto& [drawn, probability] : probabilities) probability /= num_subsets;
  return probabilities;
}

}  // namespace quadhop
