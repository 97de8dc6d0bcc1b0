// Linear deterministic greedy: Stanton and Kliot, "Streaming Graph Partitioning for Large
// Distributed Graphs", KDD 2012, streamed again as by Nishimura and Ugander, "Restreaming Graph
// Partitioning", KDD 2013.
#include <algorithm>
#include <vector>

#include "core/rng.h"
#include "core/visit_indices.h"
#include "partition/casts.h"
#include "partition/cuts/even_parts.h"
#include "partition/cuts/partitioner.h"
#include "partition/cuts/votes.h"

namespace quadhop {
namespace {

constexpr int kPasses = 5;

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
    std::vector<Weights> used(static_cast<size_t>(problem.parts));  // of the nodes of each part
    Votes votes(used.size());
    const auto first =
        static_cast<int64_t>(StreamKey(problem.seed, RandomPurpose::kPartition, 3, 0) %
                             static_cast<uint64_t>(num_nodes));
    for (int pass = 0; pass < kPasses; ++pass) {
      for (int64_t i = 0; i < num_nodes; ++i) {
        const int64_t v = (first + i) % num_nodes;
        int32_t& part = part_of[static_cast<size_t>(v)];
        const Weights weights = graph.weights(v);
        if (part >= 0) AddTo(used, part, weights, -1);
        graph.ForEachNeighbor(v, [&](int64_t neighbor, int64_t weight) {
          const int32_t of = part_of[static_cast<size_t>(neighbor)];
          if (of >= 0) votes.Add(static_cast<uint32_t>(of), weight);
        });
        part = Best(used, most, weights, votes);
        votes.Clear();
        AddTo(used, part, weights, 1);
      }
    }
    return part_of;
  }

  static void AddTo(std::vector<Weights>& used, int32_t part, const Weights& weights,
                    int64_t sign) {
    Weights& of_part = used[static_cast<size_t>(part)];
    of_part = Plus(of_part, weights, sign);
  }

  // Most neighbours, weighed by the room that is left; of parts that are equal, the emptiest.
  static int32_t Best(const std::vector<Weights>& used, const Weights& most, const Weights& weights,
                      const Votes& votes) {
    int32_t best = 0;
    double best_score = -1e300;
    for (size_t part = 0; part < used.size(); ++part) {
      const Weights with_node = Plus(used[part], weights);
      double fullest = 0;
      for (size_t b = 0; b < kBalances; ++b)
        if (most[b] > 0 && weights[b] > 0)
          fullest = std::max(fullest, AsDouble(with_node[b]) / AsDouble(most[b]));
      const double free = 1 - fullest;
      const auto neighbors = static_cast<double>(votes.Of(static_cast<uint32_t>(part)));
      // A full part takes a node only where all are full.
      const double score = free < 0 ? free - 1 : neighbors * free + 1e-3 * free;
      if (score > best_score) {
        best_score = score;
        best = static_cast<int32_t>(part);
      }
    }
    return best;
  }
};

}  // namespace

std::unique_ptr<Partitioner> MakeStreamPartitioner() {
  return std::make_unique<StreamPartitioner>();
}

}  // namespace quadhop
