// Linear deterministic greedy: Stanton and Kliot, "Streaming Graph Partitioning for Large
// Distributed Graphs", KDD 2012, streamed again as by Nishimura and Ugander, "Restreaming Graph
// Partitioning", KDD 2013.
#include <algorithm>
#include <vector>

#include "core/rng.h"
#include "core/visit_indices.h"
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

  // What a part holds, of nodes, arcs and training nodes.
  struct Load {
    double amount[3] = {0, 0, 0};
  };

  template <typename Index>
  static std::vector<int32_t> Stream(const PartitionProblem& problem,
                                     absl::Span<const Index> indices) {
    const Topology& topology = problem.topology;
    const int64_t num_nodes = topology.num_nodes();
    const auto load_of = [&](int64_t v) {
      const bool train = !problem.train.empty() && problem.train[static_cast<size_t>(v)] != 0;
      return Load{{1, static_cast<double>(topology.degree(v)), train ? 1.0 : 0.0}};
    };
    Weights total{}, heaviest{};
    for (int64_t v = 0; v < num_nodes; ++v) {
      for (size_t b = 0; b < kBalances; ++b) {
        total[b] += static_cast<int64_t>(load_of(v).amount[b]);
        heaviest[b] = std::max(heaviest[b], static_cast<int64_t>(load_of(v).amount[b]));
      }
    }
    const Weights most = MostOfAPart(total, heaviest, problem);
    Load room;  // what a part may hold
    for (size_t b = 0; b < kBalances; ++b) room.amount[b] = static_cast<double>(most[b]);

    std::vector<int32_t> part_of(static_cast<size_t>(num_nodes), -1);
    std::vector<Load> loads(static_cast<size_t>(problem.parts));
    Votes votes(loads.size());
    const auto first =
        static_cast<int64_t>(StreamKey(problem.seed, RandomPurpose::kPartition, 3, 0) %
                             static_cast<uint64_t>(num_nodes));
    for (int pass = 0; pass < kPasses; ++pass) {
      for (int64_t i = 0; i < num_nodes; ++i) {
        const int64_t v = (first + i) % num_nodes;
        int32_t& part = part_of[static_cast<size_t>(v)];
        const Load load = load_of(v);
        if (part >= 0) Move(load, -1, loads[static_cast<size_t>(part)]);
        for (const Index neighbor : NeighborsOf(topology, indices, v)) {
          const int32_t of = part_of[static_cast<size_t>(neighbor)];
          if (of >= 0) votes.Add(static_cast<uint32_t>(of), 1);
        }
        part = Best(loads, room, load, votes);
        votes.Clear();
        Move(load, 1, loads[static_cast<size_t>(part)]);
      }
    }
    return part_of;
  }

  static void Move(const Load& load, double sign, Load& part) {
    for (size_t b = 0; b < 3; ++b) part.amount[b] += sign * load.amount[b];
  }

  // Most neighbours, weighed by the room that is left; of parts that are equal, the emptiest.
  static int32_t Best(const std::vector<Load>& loads, const Load& room, const Load& load,
                      const Votes& votes) {
    int32_t best = 0;
    double best_score = -1e300;
    for (size_t part = 0; part < loads.size(); ++part) {
      double fullest = 0;
      for (size_t b = 0; b < 3; ++b)
        if (room.amount[b] > 0 && load.amount[b] > 0)
          fullest = std::max(fullest, (loads[part].amount[b] + load.amount[b]) / room.amount[b]);
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
