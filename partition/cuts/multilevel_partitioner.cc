// Graphs beyond METIS: coarsened by clusters until they fit, cut by METIS, and the cut refined on
// the way back.

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "core/base/rng.h"
#include "core/base/status.h"
#include "core/memory/host_memory.h"
#include "core/store/topology.h"
#include "partition/cuts/contraction.h"
#include "partition/cuts/even_parts.h"
#include "partition/cuts/label_propagation.h"
#include "partition/cuts/metis_graph.h"
#include "partition/cuts/partitioner.h"
#include "partition/cuts/row_votes.h"
#include "partition/cuts/symmetric_rows.h"

namespace quadhop {
namespace {

constexpr int64_t kLeastClustersAPart = 48;
// A graph of no more than kEnoughNodes nodes is not made smaller, nor one of which METIS can take
// four times kEnoughArcsANode arcs per node.
constexpr int64_t kEnoughNodes = 20000;
constexpr int64_t kEnoughArcsANode = 16;
constexpr int64_t kLeastArcsANode = 4;  // With fewer METIS does not see what belongs together.
constexpr int kMostLevels = 12;
constexpr int64_t kBaseBytes = int64_t{32} << 20;  // of the program itself
constexpr int kRefinements = 3;                    // sweeps a level

template <typename Graph>
Weights TotalWeights(const Graph& graph) {
  Weights total{};
  for (int64_t v = 0; v < graph.num_nodes(); ++v) total = Plus(total, graph.weights(v));
  return total;
}

// Weights of clusters small enough that even parts can still be made of them.
Weights ClusterLimit(const Weights& total, int32_t parts) {
  Weights most;
  for (size_t b = 0; b < kBalances; ++b)
    most[b] = total[b] / (int64_t{parts} * kLeastClustersAPart) + 1;
  return most;
}

// METIS adds weights in 32 bits.
int32_t Scaled(int64_t weight, int64_t total) {
  constexpr int64_t kMostTotal = int64_t{1} << 30;
  if (weight == 0 || total <= kMostTotal) return static_cast<int32_t>(weight);
  const double share = static_cast<double>(weight) / static_cast<double>(total);
  return std::max(1, static_cast<int32_t>(share * static_cast<double>(kMostTotal)));
}

MetisGraph AsMetisGraph(const WeightedGraph& graph, const PartitionProblem& problem) {
  MetisGraph metis;
  metis.xadj.assign(graph.indptr.begin(), graph.indptr.end());
  metis.adjncy.assign(graph.neighbors.begin(), graph.neighbors.end());
  int64_t total_arcs = 0;
  for (const uint32_t weight : graph.arc_weights) total_arcs += weight;
  metis.arc_weights.reserve(graph.arc_weights.size());
  for (const uint32_t weight : graph.arc_weights)
    metis.arc_weights.push_back(Scaled(weight, total_arcs));
  const Weights total = TotalWeights(graph);
  metis.imbalances = problem.imbalances();
  metis.weights.reserve(graph.node_weights.size() * kBalances);
  for (const Weights& weights : graph.node_weights)
    for (size_t b = 0; b < kBalances; ++b) metis.weights.push_back(Scaled(weights[b], total[b]));
  return metis;
}

class MultilevelPartitioner final : public Partitioner {
 private:
  absl::StatusOr<std::vector<int32_t>> DoCut(const PartitionProblem& problem,
                                             ThreadPool& pool) const override {
    const Topology& topology = problem.topology;
    if (topology.num_nodes() >= int64_t{UINT32_MAX})
      return absl::UnimplementedError(
          absl::StrCat("multilevel takes fewer than 2^32 - 1 nodes, but the graph has ",
                       topology.num_nodes(), ": cut by hash instead"));
    const bool symmetric = IsSymmetric(topology, pool);
    absl::StatusOr<std::vector<int32_t>> cut = VisitIndices(topology, [&](auto indices) {
      using Index = typename decltype(indices)::value_type;
      const TopologyLevel<std::remove_const_t<Index>> graph(topology.indptr, indices,
                                                            problem.train);
      return CutLevels(graph, problem, symmetric, pool);
    });
    if (!cut.ok()) return cut;
    return EvenedOut(problem, symmetric, *std::move(cut), pool);
  }

  template <typename Graph>
  static absl::StatusOr<std::vector<int32_t>> CutLevels(const Graph& graph,
                                                        const PartitionProblem& problem,
                                                        bool symmetric, ThreadPool& pool) {
    QH_ASSIGN_OR_RETURN(const int64_t allowed_bytes, MemoryBudget(problem.memory_bytes));
    const int64_t memory_bytes = allowed_bytes - kBaseBytes;
    const Weights limit = ClusterLimit(TotalWeights(graph), problem.parts);
    std::vector<Clusters> clusters;
    std::vector<WeightedGraph> levels;
    const auto left_bytes = [&] { return memory_bytes - HeldBytes(clusters, levels); };
    const auto tell = [&](absl::string_view what, size_t level) {
      Tell(problem.on_progress, absl::StrCat("multilevel: ", what, " level ", level));
    };
    const auto contract = [&](const auto& fine, bool as_is) {
      const ContractOptions options = {as_is, MostArcs(left_bytes(), clusters.back()),
                                       LevelSeed(problem, levels.size())};
      levels.push_back(Contract(fine, clusters.back(), options, pool));
      return CheckKept(levels.back(), problem);
    };
    tell("clusters of", 1);
    clusters.push_back(ClusterNodes(graph, limit, LevelSeed(problem, 0), pool));
    QH_RETURN_IF_ERROR(contract(graph, symmetric));
    // Coarsens as far as METIS needs it, and no further: a finer graph is cut better.
    while (static_cast<int>(levels.size()) < kMostLevels && TooLarge(levels.back(), left_bytes())) {
      const WeightedGraph& fine = levels.back();
      tell("clusters of", levels.size() + 1);
      Clusters next = ClusterNodes(fine, limit, LevelSeed(problem, levels.size()), pool);
      if (next.count > fine.num_nodes() * 9 / 10) break;  // it does not get smaller any more
      clusters.push_back(std::move(next));
      QH_RETURN_IF_ERROR(contract(levels.back(), true));
    }
    tell("METIS cuts", levels.size());
    QH_ASSIGN_OR_RETURN(std::vector<int32_t> cut,
                        CutCoarsest(levels.back(), problem, left_bytes(), pool));
    std::vector<uint32_t> part_of(cut.begin(), cut.end());
    for (size_t level = levels.size(); level > 0; --level) {
      tell("refines the cut of", level);
      Refine(levels[level - 1], problem, pool, part_of);
      levels.pop_back();
      part_of = Projected(clusters[level - 1], part_of);
      clusters.pop_back();
    }
    tell("refines the cut of", 0);
    Refine(graph, problem, pool, part_of);
    return std::vector<int32_t>(part_of.begin(), part_of.end());
  }

  static uint64_t LevelSeed(const PartitionProblem& problem, size_t level) {
    return StreamKey(problem.seed, RandomPurpose::kPartition, 1, level);
  }

  // What is kept for the way back, beside METIS.
  static int64_t HeldBytes(const std::vector<Clusters>& clusters,
                           const std::vector<WeightedGraph>& levels) {
    int64_t bytes = 0;
    for (const Clusters& level : clusters)
      bytes += static_cast<int64_t>(level.of.size() * sizeof(uint32_t));
    for (const WeightedGraph& level : levels) bytes += level.bytes();
    return bytes;
  }

  // The arcs that a graph of these clusters may have beside what is held: half of what is left when
  // it is made, since METIS and coarser ones come after it, and votes of threads beside it.
  // (Threads are not counted: the cut does not depend on them.)
  static int64_t MostArcs(int64_t left_bytes, const Clusters& clusters) {
    constexpr int64_t kClusterBytes = 3 * sizeof(int64_t) + sizeof(Weights);
    const int64_t beside = static_cast<int64_t>(clusters.of.size() * sizeof(uint32_t)) +
                           clusters.count * kClusterBytes;
    return std::max<int64_t>(0, left_bytes - beside) / (2 * WeightedGraph::kArcBytes);
  }

  static int64_t MostArcsOfMetis(const WeightedGraph& graph, int64_t left_bytes) {
    return std::min(MostMetisArcs(graph.num_nodes(), left_bytes * 2 / 3), kMostClusterArcs);
  }

  static int64_t EnoughArcs(const WeightedGraph& graph) {
    return graph.num_nodes() * kEnoughArcsANode;
  }

  // If arcs must be dropped, METIS, on its one thread, gets a graph well below what memory holds:
  // all threads make it smaller sooner than METIS cuts it.
  static bool TooLarge(const WeightedGraph& graph, int64_t left_bytes) {
    const int64_t most_arcs = MostArcsOfMetis(graph, left_bytes);
    return graph.num_nodes() > kEnoughNodes && graph.num_arcs() > most_arcs &&
           EnoughArcs(graph) > most_arcs / 4;
  }

  static absl::StatusOr<std::vector<int32_t>> CutCoarsest(const WeightedGraph& graph,
                                                          const PartitionProblem& problem,
                                                          int64_t left_bytes, ThreadPool& pool) {
    const int64_t most_arcs = MostArcsOfMetis(graph, left_bytes);
    MetisGraph metis;
    if (graph.num_arcs() <= most_arcs) {
      metis = AsMetisGraph(graph, problem);
    } else {
      const WeightedGraph thinned = Contract(
          graph, EachAlone(graph.num_nodes()),
          {true, std::min(most_arcs, EnoughArcs(graph)), LevelSeed(problem, kMostLevels)}, pool);
      QH_RETURN_IF_ERROR(CheckKept(thinned, problem));
      metis = AsMetisGraph(thinned, problem);
    }
    return CutMetisGraph(std::move(metis), problem.parts, problem.seed);
  }

  // Checks that enough arcs are left to show what belongs together.
  static absl::Status CheckKept(const WeightedGraph& graph, const PartitionProblem& problem) {
    if (!graph.thinned || graph.num_arcs() >= graph.num_nodes() * kLeastArcsANode)
      return absl::OkStatus();
    return absl::ResourceExhaustedError(
        absl::StrCat("multilevel: the graph of ", problem.topology.num_arcs(), " arcs is in ",
                     graph.num_nodes(), " clusters, but memory holds only ", graph.num_arcs(),
                     " arcs between them: raise --memory, or cut by hash"));
  }

  static Clusters EachAlone(int64_t num_nodes) {
    Clusters clusters;
    clusters.count = num_nodes;
    clusters.of.resize(static_cast<size_t>(num_nodes));
    std::iota(clusters.of.begin(), clusters.of.end(), 0u);
    return clusters;
  }

  static std::vector<uint32_t> Projected(const Clusters& clusters,
                                         const std::vector<uint32_t>& part_of) {
    std::vector<uint32_t> fine(clusters.of.size());
    for (size_t v = 0; v < fine.size(); ++v) fine[v] = part_of[clusters.of[v]];
    return fine;
  }

  // Moves nodes to the part of most of their neighbours, as long as it stays even enough.
  template <typename Graph>
  static void Refine(const Graph& graph, const PartitionProblem& problem, ThreadPool& pool,
                     std::vector<uint32_t>& part_of) {
    MoveLimits limits = LimitsOfParts(graph, problem, part_of);
    for (int sweep = 0; sweep < kRefinements; ++sweep)
      SweepLabels(
          graph,
          StreamKey(problem.seed, RandomPurpose::kPartition, 2, static_cast<uint64_t>(sweep)), pool,
          limits, absl::MakeSpan(part_of));
  }
};

}  // namespace

StepNeeds MultilevelNeeds(int64_t nodes, int64_t metis_arcs, int32_t parts, int32_t num_threads) {
  constexpr int64_t kSmallestBytes = int64_t{128} << 20;         // of any graph
  constexpr int64_t kNodeBytes = 60 + RowVotes::kBytesALabel;    // labels, weights; votes
  constexpr int64_t kThreadBytes = 2 * RowVotes::kBytesAThread;  // votes and counts of arcs
  // Arcs of clusters and METIS's: twice as much as a coarsest graph needs.
  constexpr int64_t kPartBytes = kLeastClustersAPart * kLeastArcsANode * 200;
  const int64_t least_bytes =
      kSmallestBytes + parts * kPartBytes + nodes * kNodeBytes + num_threads * kThreadBytes;
  // If memory has room: arcs between clusters, held, and METIS's.
  const int64_t room_bytes = metis_arcs * WeightedGraph::kArcBytes +
                             MetisBytes(nodes, std::min(metis_arcs, kMostClusterArcs));
  return {least_bytes, least_bytes + room_bytes, 0};
}

std::unique_ptr<Partitioner> MakeMultilevelPartitioner() {
  return std::make_unique<MultilevelPartitioner>();
}

}  // namespace quadhop
