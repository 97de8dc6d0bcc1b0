// What tests of partitioners share.
#pragma once

#include <cstdint>
#include <vector>

#include "partition/cuts/partitioner.h"
#include "tests/partition/store_testing.h"
#include "tests/support/rank_backend.h"

namespace quadhop {

// By this process or, under mpirun, by all ranks.
inline absl::StatusOr<std::vector<int32_t>> CutOnRanks(const char* method,
                                                       const PartitionProblem& problem,
                                                       int num_threads = 1) {
  absl::StatusOr<std::vector<int32_t>> part_of = absl::InternalError("not cut");
  RankBackends().front().run(absl::Seconds(60), [&](Communicator& ranks) {
    const auto partitioner = MakePartitioner(method, &ranks);
    ThreadPool pool(num_threads);
    part_of = partitioner.ok() ? (*partitioner)->Cut(problem, pool) : partitioner.status();
  });
  return part_of;
}

inline std::vector<int64_t> Sizes(const std::vector<int32_t>& part_of, int32_t parts,
                                  const std::vector<uint8_t>& weights = {}) {
  std::vector<int64_t> sizes(static_cast<size_t>(parts));
  for (size_t v = 0; v < part_of.size(); ++v)
    sizes[static_cast<size_t>(part_of[v])] += weights.empty() ? 1 : weights[v];
  return sizes;
}

inline int64_t CutArcs(const TestGraph& graph, const std::vector<int32_t>& part_of) {
  int64_t cut = 0;
  for (size_t v = 0; v < part_of.size(); ++v)
    for (auto e = static_cast<size_t>(graph.indptr[v]);
         e < static_cast<size_t>(graph.indptr[v + 1]); ++e)
      cut += part_of[v] != part_of[graph.indices[e]];
  return cut;
}

// Node 0 joined to all others.
inline TestGraph StarGraph(uint32_t nodes) {
  TestArcs arcs;
  for (uint32_t v = 1; v < nodes; ++v) arcs.emplace_back(0, v);
  return GraphOf(nodes, std::move(arcs));
}

// Cliques of `size` in a row, neighbours in it joined by one edge.
inline TestGraph CliqueChain(uint32_t cliques, uint32_t size, bool directed = false) {
  TestArcs arcs;
  for (uint32_t c = 0; c < cliques; ++c) {
    for (uint32_t a = 0; a < size; ++a)
      for (uint32_t b = a + 1; b < size; ++b) arcs.emplace_back(c * size + a, c * size + b);
    if (c > 0) arcs.emplace_back(c * size - 1, c * size);
  }
  return GraphOf(int64_t{cliques} * size, std::move(arcs), directed);
}

// 60 cliques of 25, and 1500 random arcs between the cliques of one half and those of the other.
inline TestGraph PlantedCliques() {
  constexpr uint32_t kCliques = 60, kSize = 25;
  TestArcs arcs;
  for (uint32_t c = 0; c < kCliques; ++c)
    for (uint32_t a = 0; a < kSize; ++a)
      for (uint32_t b = a + 1; b < kSize; ++b) arcs.emplace_back(c * kSize + a, c * kSize + b);
  RandomStream random(5, RandomPurpose::kTest, 0, 0);
  for (int i = 0; i < 1500; ++i)
    arcs.emplace_back(random.Below(kCliques * kSize / 2), 750 + random.Below(kCliques * kSize / 2));
  return GraphOf(int64_t{kCliques} * kSize, std::move(arcs));
}

}  // namespace quadhop
