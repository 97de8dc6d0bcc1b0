// Linear deterministic greedy: Stanton and Kliot, "Streaming Graph Partitioning for Large
// Distributed Graphs", KDD 2012, streamed again as by Nishimura and Ugander, "Restreaming Graph
// Partitioning", KDD 2013.
#include <algorithm>
#include <vector>

#include "core/base/casts.h"
#include "core/base/rng.h"
#include "core/store/topology.h"
#include "partition/cuts/even_parts.h"
#include "partition/cuts/part_loads.h"
#include "partition/cuts/partitioner.h"
#include "partition/cuts/votes.h"

namespace quadhop {
namespace {

constexpr int kPasses = 5;
constexpr int32_t kFewParts = 128;  // looking at all is as quick as a search

class StreamPartitioner final : public Partitioner {
 private:
  absl::StatusOr<std::vector<int32_t>> DoCut(const PartitionProblem& problem,
                                             ThreadPool& pool) const override {
    return EvenedOut(
        problem, false,
        VisitIndices(problem.topology, [&](auto indices) { return Stream(problem, indices); }),
        pool);
  }

  template <typename Index>
  static std::vector<int32_t> Stream(const PartitionProblem& problem,
                                     absl::Span<const Index> indices) {
    const TopologyLevel<Index> graph(problem.topology.indptr, indices, problem.train);
    const int64_t num_nodes = graph.num_nodes();
    const Weights most = MostOfAPart(graph, problem);
    std::vector<int32_t> part_of(static_cast<size_t>(num_nodes), -1);
    PartLoads loads(problem.parts, most);
    Votes votes(static_cast<size_t>(problem.parts));
    const auto first =
        static_cast<int64_t>(StreamKey(problem.seed, RandomPurpose::kPartition, 3, 0) %
                             static_cast<uint64_t>(num_nodes));
    for (int pass = 0; pass < kPasses; ++pass) {
      for (int64_t i = 0; i < num_nodes; ++i) {
        const int64_t v = (first + i) % num_nodes;
        int32_t& part = part_of[static_cast<size_t>(v)];
        const Weights weights = graph.weights(v);
        if (part >= 0) loads.Add(part, weights, -1);
        graph.ForEachNeighbor(v, [&](int64_t neighbor, int64_t weight) {
          const int32_t of = part_of[static_cast<size_t>(neighbor)];
          if (of >= 0) votes.Add(static_cast<uint32_t>(of), weight);
        });
        part = Best(loads, most, weights, votes);
        votes.Clear();
        loads.Add(part, weights, 1);
      }
    }
    return part_of;
  }

  // The part with the most neighbours, weighted by the room that is left; of equal parts, the
  // emptiest.
  static int32_t Best(PartLoads& loads, const Weights& most, const Weights& weights,
                      const Votes& votes) {
    // Never higher if `used` is no less, even with rounding.
    const auto score = [&](const Weights& used, int64_t neighbors) {
      const Weights with_node = Plus(used, weights);
      double fullest = 0;
      for (size_t b = 0; b < kBalances; ++b)
        if (most[b] > 0 && weights[b] > 0)
          fullest = std::max(fullest, AsDouble(with_node[b]) / AsDouble(most[b]));
      const double free = 1 - fullest;
      // A full part takes a node only if all are full.
      return free < 0 ? free - 1 : AsDouble(neighbors) * free + 1e-3 * free;
    };
    Choice best;
    if (loads.parts() <= kFewParts) {
      for (int32_t part = 0; part < loads.parts(); ++part) {
        const double of_part = score(loads.Of(part), votes.Of(static_cast<uint32_t>(part)));
        if (of_part > best.score) best = {part, of_part};
      }
      return best.part;
    }
    for (const uint32_t label : votes.labels()) {
      const auto part = static_cast<int32_t>(label);
      best.Consider(part, score(loads.Of(part), votes.Of(label)));
    }
    // Without neighbours no part is better than an empty one.
    if (best.score <= score(Weights{}, 0))
      loads.Search([&](const Weights& used) { return score(used, 0); }, best);
    return best.part;
  }
};

}  // namespace

std::unique_ptr<Partitioner> MakeStreamPartitioner() {
  return std::make_unique<StreamPartitioner>();
}

}  // namespace quadhop
