#include "partition/cuts/label_propagation.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/base/casts.h"
#include "core/base/rng.h"
#include "partition/cuts/row_votes.h"

namespace quadhop {
namespace {

constexpr uint64_t kRounds = 16;
constexpr int kClusterSweeps = 4;
constexpr int64_t kNodesPerBlock = 4096;
constexpr size_t kNodesAhead = 3;        // whose neighbours' labels are prefetched,
constexpr int64_t kNeighborsAhead = 64;  // this many of each

bool Fits(const Weights& used, const Weights& more, const Weights& most) {
  for (size_t i = 0; i < kBalances; ++i)
    if (used[i] + more[i] > most[i]) return false;
  return true;
}

struct Move {
  int64_t node;
  uint32_t label;
};

// Prefetches labels of the first neighbours, which are all neighbours of most nodes.
template <typename Graph>
void PrefetchLabels(const Graph& graph, int64_t node, absl::Span<const uint32_t> labels) {
  graph.ForEachNeighbor(
      node, [&](int64_t neighbor, int64_t) { __builtin_prefetch(&labels[AsSize(neighbor)]); },
      kNeighborsAhead);
}

// The label that most neighbours have, by weight, among those with room; the node's own if none has
// more than that.
template <typename RowOfVotes>
uint32_t BestLabel(int64_t node, uint32_t own, const Weights& weights, const MoveLimits& limits,
                   uint64_t seed, const RowOfVotes& votes) {
  uint32_t best = own;
  int64_t most = votes.Of(own);
  uint64_t best_rank = 0;
  votes.ForEach([&](uint32_t label, int64_t sum) {
    if (label == own || sum < most) return;
    // Among equals by chance, but never away from one's own.
    const uint64_t rank = Mix64(seed ^ Mix64(static_cast<uint64_t>(node)) ^ label);
    if (sum == most && (best == own || rank < best_rank)) return;
    if (!Fits(limits.used[label], weights, limits.most)) return;  // last: its memory lies anywhere
    best = label;
    most = sum;
    best_rank = rank;
  });
  return best;
}

// Nodes that are alone after the sweeps, because they have no neighbours or their neighbours'
// clusters are full, are put together with those that wanted the same.
template <typename Graph>
void JoinSingles(const Graph& graph, const Weights& most, MoveLimits& limits,
                 absl::Span<uint32_t> labels) {
  std::vector<uint32_t> members(limits.used.size());
  for (const uint32_t label : labels) ++members[label];
  std::vector<std::pair<uint32_t, uint32_t>> singles;  // (cluster wanted, node)
  for (int64_t v = 0; v < graph.num_nodes(); ++v) {
    if (members[labels[AsSize(v)]] > 1) continue;
    uint32_t wanted = static_cast<uint32_t>(labels.size());  // of a node without neighbours
    int64_t heaviest = 0;
    graph.ForEachNeighbor(v, [&](int64_t neighbor, int64_t weight) {
      if (weight > heaviest) {
        heaviest = weight;
        wanted = labels[AsSize(neighbor)];
      }
    });
    singles.emplace_back(wanted, static_cast<uint32_t>(v));
  }
  std::sort(singles.begin(), singles.end());
  for (size_t i = 1; i < singles.size(); ++i) {
    if (singles[i].first != singles[i - 1].first) continue;
    const uint32_t node = singles[i].second, into = labels[singles[i - 1].second];
    const Weights weights = graph.weights(node);
    // A third of the limit: nodes that wanted the same need not belong together as neighbours do.
    if (!Fits(limits.used[into], weights, {most[0] / 3, most[1] / 3, most[2] / 3})) continue;
    limits.used[into] = Plus(limits.used[into], weights);
    labels[node] = into;
  }
}

Clusters Numbered(std::vector<uint32_t> labels) {
  Clusters clusters;
  std::vector<uint32_t> number(labels.size(), UINT32_MAX);
  for (uint32_t& label : labels) {
    if (number[label] == UINT32_MAX) number[label] = static_cast<uint32_t>(clusters.count++);
    label = number[label];
  }
  clusters.of = std::move(labels);
  return clusters;
}

}  // namespace

template <typename Graph>
int64_t SweepLabels(const Graph& graph, uint64_t seed, ThreadPool& pool, MoveLimits& limits,
                    absl::Span<uint32_t> labels) {
  const int64_t num_nodes = graph.num_nodes();
  const int64_t num_blocks = NumBlocks(num_nodes, kNodesPerBlock);
  RowVotes votes(limits.used.size(), pool.num_threads());
  int64_t moved = 0;
  for (uint64_t round = 0; round < kRounds; ++round) {
    std::vector<std::vector<Move>> moves(AsSize(num_blocks));
    pool.ParallelFor(num_blocks, [&](int64_t block, int worker) {
      const auto [begin, end] = Block(block, num_nodes, kNodesPerBlock);
      std::vector<int64_t> chosen;
      for (int64_t v = begin; v < end; ++v)
        if (Mix64(seed ^ static_cast<uint64_t>(v)) % kRounds == round) chosen.push_back(v);
      for (size_t i = 0; i < chosen.size(); ++i) {
        if (i + kNodesAhead < chosen.size()) PrefetchLabels(graph, chosen[i + kNodesAhead], labels);
        const int64_t v = chosen[i];
        const uint32_t own = labels[AsSize(v)];
        const uint32_t label = votes.Count(
            worker,
            [&](auto& row) {
              graph.ForEachNeighbor(v, [&](int64_t neighbor, int64_t weight) {
                row.Add(labels[AsSize(neighbor)], weight);
              });
            },
            [&](const auto& row) {
              return BestLabel(v, own, graph.weights(v), limits, seed, row);
            });
        if (label != own) moves[AsSize(block)].push_back({v, label});
      }
    });
    for (const auto& block : moves) {
      for (const Move& move : block) {
        const Weights weights = graph.weights(move.node);
        if (!Fits(limits.used[move.label], weights, limits.most)) continue;
        uint32_t& label = labels[AsSize(move.node)];
        limits.Move(weights, label, move.label);
        label = move.label;
        ++moved;
      }
    }
  }
  return moved;
}

template <typename Graph>
Clusters ClusterNodes(const Graph& graph, const Weights& most, uint64_t seed, ThreadPool& pool) {
  const int64_t num_nodes = graph.num_nodes();
  std::vector<uint32_t> labels(AsSize(num_nodes));
  std::iota(labels.begin(), labels.end(), 0u);
  MoveLimits limits;
  limits.most = most;
  limits.used.resize(AsSize(num_nodes));
  for (int64_t v = 0; v < num_nodes; ++v) limits.used[AsSize(v)] = graph.weights(v);
  for (int sweep = 0; sweep < kClusterSweeps; ++sweep) {
    const int64_t moved = SweepLabels(graph, Mix64(seed + static_cast<uint64_t>(sweep)), pool,
                                      limits, absl::MakeSpan(labels));
    if (moved < num_nodes / 50) break;
  }
  JoinSingles(graph, most, limits, absl::MakeSpan(labels));
  return Numbered(std::move(labels));
}

#define QH_INSTANTIATE(Graph)                                                    \
  template int64_t SweepLabels(const Graph&, uint64_t, ThreadPool&, MoveLimits&, \
                               absl::Span<uint32_t>);                            \
  template Clusters ClusterNodes(const Graph&, const Weights&, uint64_t, ThreadPool&);
QH_INSTANTIATE(TopologyLevel<uint32_t>)
QH_INSTANTIATE(TopologyLevel<int64_t>)
QH_INSTANTIATE(WeightedGraph)
#undef QH_INSTANTIATE

}  // namespace quadhop
