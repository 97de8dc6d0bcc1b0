#include "partition/cuts/even_parts.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "core/base/casts.h"
#include "core/base/rng.h"
#include "core/store/topology.h"
#include "partition/cuts/votes.h"

namespace quadhop {
namespace {

constexpr int kMostSweeps = 32;
constexpr int64_t kNodesPerBlock = 4096;

struct Candidate {
  double cost;  // additional cut arcs, per unit of what its part has too much of
  uint64_t rank;
  int64_t node;
  uint32_t into;
  bool operator<(const Candidate& other) const {
    return cost != other.cost ? cost < other.cost : rank < other.rank;
  }
};

// The balance that a part exceeds most, among those that one of its nodes adds to.
struct Excess {
  double fullness = 1;  // of the part; 1: the node need not go
  int64_t weight = 0;   // of the node
  size_t balance = 0;
};

Excess ExcessOf(const Weights& weights, const Weights& used, const Weights& most) {
  Excess excess;
  for (size_t b = 0; b < kBalances; ++b) {
    if (weights[b] == 0 || AsDouble(used[b]) <= excess.fullness * AsDouble(most[b])) continue;
    excess = {AsDouble(used[b]) / AsDouble(most[b]), weights[b], b};
  }
  return excess;
}

// How far a part is beyond what it may hold. Squares, so that two parts a little too full are
// better than one that is much too full.
double Overfull(const Weights& used, const Weights& most) {
  double sum = 0;
  for (size_t b = 0; b < kBalances; ++b)
    if (used[b] > most[b]) sum += std::pow(AsDouble(used[b] - most[b]) / AsDouble(most[b]), 2);
  return sum;
}

// Whether two parts are less overfull together once the node has moved. The other part may then be
// overfull of something else: it gives up another node for that.
bool Eases(const MoveLimits& limits, const Weights& weights, uint32_t from, uint32_t into) {
  const Weights& source = limits.used[from];
  const Weights& target = limits.used[into];
  return Overfull(Plus(source, weights, -1), limits.most) +
             Overfull(Plus(target, weights), limits.most) <
         Overfull(source, limits.most) + Overfull(target, limits.most);
}

// The part that holds least of each balance.
std::array<uint32_t, kBalances> EmptiestParts(const MoveLimits& limits) {
  std::array<uint32_t, kBalances> emptiest{};
  for (uint32_t part = 1; part < limits.used.size(); ++part)
    for (size_t b = 0; b < kBalances; ++b)
      if (limits.used[part][b] < limits.used[emptiest[b]][b]) emptiest[b] = part;
  return emptiest;
}

template <typename Graph>
class Evener {
 public:
  Evener(const Graph& graph, uint64_t seed, ThreadPool& pool, MoveLimits& limits,
         absl::Span<uint32_t> part_of)
      : graph_(graph), seed_(seed), pool_(pool), limits_(limits), part_of_(part_of) {}

  int64_t Sweep() {
    int64_t moved = 0;
    for (const Candidate& candidate : Candidates()) {
      const Weights weights = graph_.weights(candidate.node);
      uint32_t& part = part_of_[static_cast<size_t>(candidate.node)];
      const Excess excess = ExcessOf(weights, limits_.used[part], limits_.most);
      if (excess.weight == 0 || !Eases(limits_, weights, part, candidate.into)) continue;
      limits_.Move(weights, part, candidate.into);
      part = candidate.into;
      ++moved;
    }
    return moved;
  }

 private:
  // The nodes of parts that hold too much, cheapest first.
  std::vector<Candidate> Candidates() {
    const int64_t num_nodes = graph_.num_nodes();
    std::vector<std::vector<Candidate>> found(
        static_cast<size_t>(NumBlocks(num_nodes, kNodesPerBlock)));
    std::vector<Votes> votes(static_cast<size_t>(pool_.num_threads()), Votes(limits_.used.size()));
    const std::array<uint32_t, kBalances> emptiest = EmptiestParts(limits_);
    pool_.ParallelFor(static_cast<int64_t>(found.size()), [&](int64_t block, int worker) {
      const auto [begin, end] = Block(block, num_nodes, kNodesPerBlock);
      for (int64_t v = begin; v < end; ++v)
        Consider(v, emptiest, votes[static_cast<size_t>(worker)],
                 found[static_cast<size_t>(block)]);
    });
    std::vector<Candidate> all;
    for (std::vector<Candidate>& block : found) {
      all.insert(all.end(), block.begin(), block.end());
      std::vector<Candidate>().swap(block);
    }
    std::sort(all.begin(), all.end());
    return all;
  }

  void Consider(int64_t node, const std::array<uint32_t, kBalances>& emptiest, Votes& votes,
                std::vector<Candidate>& found) const {
    const uint32_t part = part_of_[static_cast<size_t>(node)];
    const Weights weights = graph_.weights(node);
    const Excess excess = ExcessOf(weights, limits_.used[part], limits_.most);
    if (excess.weight == 0) return;
    graph_.ForEachNeighbor(node, [&](int64_t neighbor, int64_t weight) {
      votes.Add(part_of_[static_cast<size_t>(neighbor)], weight);
    });
    votes.SortLabels();
    const auto eases = [&](uint32_t label) { return Eases(limits_, weights, part, label); };
    uint32_t into = emptiest[excess.balance];
    for (const uint32_t label : votes.labels())
      if (label != part && eases(label) && (votes.Of(label) > votes.Of(into) || !eases(into)))
        into = label;
    const double cost = AsDouble(votes.Of(part) - votes.Of(into)) / AsDouble(excess.weight);
    votes.Clear();
    found.push_back({cost, Mix64(seed_ ^ static_cast<uint64_t>(node)), node, into});
  }

  const Graph& graph_;
  const uint64_t seed_;
  ThreadPool& pool_;
  MoveLimits& limits_;
  absl::Span<uint32_t> part_of_;
};

}  // namespace

template <typename Graph>
Weights MostOfAPart(const Graph& graph, const PartitionProblem& problem) {
  Weights total{}, heaviest{}, most{};
  for (int64_t v = 0; v < graph.num_nodes(); ++v) {
    const Weights weights = graph.weights(v);
    total = Plus(total, weights);
    for (size_t b = 0; b < kBalances; ++b) heaviest[b] = std::max(heaviest[b], weights[b]);
  }
  for (size_t b = 0; b < kBalances; ++b) {
    const double share = (1 + problem.imbalances()[b]) / problem.parts;
    most[b] = static_cast<int64_t>(std::ceil(share * AsDouble(total[b])));
    if (heaviest[b] > most[b])
      most[b] =
          heaviest[b] + static_cast<int64_t>(std::ceil(share * AsDouble(total[b] - heaviest[b])));
  }
  return most;
}

template <typename Graph>
MoveLimits LimitsOfParts(const Graph& graph, const PartitionProblem& problem,
                         absl::Span<const uint32_t> part_of) {
  MoveLimits limits;
  limits.used.resize(static_cast<size_t>(problem.parts));
  for (int64_t v = 0; v < graph.num_nodes(); ++v) {
    Weights& used = limits.used[part_of[static_cast<size_t>(v)]];
    used = Plus(used, graph.weights(v));
  }
  limits.most = MostOfAPart(graph, problem);
  return limits;
}

template <typename Graph>
void EvenOut(const Graph& graph, uint64_t seed, ThreadPool& pool, MoveLimits& limits,
             absl::Span<uint32_t> part_of) {
  Evener<Graph> evener(graph, seed, pool, limits, part_of);
  for (int sweep = 0; sweep < kMostSweeps && evener.Sweep() > 0; ++sweep) {
  }
}

std::vector<int32_t> EvenedOut(const PartitionProblem& problem, bool symmetric,
                               std::vector<int32_t> cut, ThreadPool& pool) {
  std::vector<uint32_t> part_of(cut.begin(), cut.end());
  VisitIndices(problem.topology, [&](auto indices) {
    using Index = std::remove_const_t<typename decltype(indices)::value_type>;
    const TopologyLevel<Index> graph(problem.topology.indptr, indices, problem.train);
    MoveLimits limits = LimitsOfParts(graph, problem, part_of);
    if (std::none_of(limits.used.begin(), limits.used.end(),
                     [&](const Weights& used) { return Overfull(used, limits.most) > 0; }))
      return;
    const uint64_t seed = StreamKey(problem.seed, RandomPurpose::kPartition, 5, 0);
    EvenOut(graph, seed, pool, limits, absl::MakeSpan(part_of));
    // Moves that are judged by arcs out of nodes alone would undo more than they do.
    if (symmetric) SweepLabels(graph, seed, pool, limits, absl::MakeSpan(part_of));
  });
  std::copy(part_of.begin(), part_of.end(), cut.begin());
  return cut;
}

#define QH_INSTANTIATE(Graph)                                              \
  template Weights MostOfAPart(const Graph&, const PartitionProblem&);     \
  template MoveLimits LimitsOfParts(const Graph&, const PartitionProblem&, \
                                    absl::Span<const uint32_t>);           \
  template void EvenOut(const Graph&, uint64_t, ThreadPool&, MoveLimits&, absl::Span<uint32_t>);
QH_INSTANTIATE(TopologyLevel<uint32_t>)
QH_INSTANTIATE(TopologyLevel<int64_t>)
QH_INSTANTIATE(WeightedGraph)
#undef QH_INSTANTIATE

}  // namespace quadhop
