#include "partition/cuts/label_propagation.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/rng.h"
#include "partition/cuts/votes.h"

namespace quadhop {
namespace {

constexpr uint64_t kRounds = 16;
constexpr int kClusterSweeps = 4;
constexpr int64_t kNodesPerBlock = 4096;
constexpr size_t kNodesAhead = 3;        // whose neighbours' labels are asked for,
constexpr int64_t kNeighborsAhead = 64;  // so many of each

size_t Z(int64_t i) { return static_cast<size_t>(i); }

bool Fits(const Weights& used, const Weights& more, const Weights& most) {
  for (size_t i = 0; i < kBalances; ++i)
    if (used[i] + more[i] > most[i]) return false;
  return true;
}

struct Move {
  int64_t node;
  uint32_t label;
};

// Of the first neighbours, which are all of most nodes.
template <typename Graph>
void PrefetchLabels(const Graph& graph, int64_t node, absl::Span<const uint32_t> labels) {
  graph.ForEachNeighbor(
      node, [&](int64_t neighbor, int64_t) { __builtin_prefetch(&labels[Z(neighbor)]); },
      kNeighborsAhead);
}

// The label that most neighbours have, by weight, among those with room; the node's own if none has
// more than that.
template <typename Graph>
uint32_t BestLabel(const Graph& graph, int64_t node, const MoveLimits& limits,
                   absl::Span<const uint32_t> labels, uint64_t seed, Votes& votes) {
  {
    VoteBatch batch(votes);
    graph.ForEachNeighbor(
        node, [&](int64_t neighbor, int64_t weight) { batch.Add(labels[Z(neighbor)], weight); });
  }
  const uint32_t own = labels[Z(node)];
  const Weights weights = graph.weights(node);
  uint32_t best = own;
  int64_t most = votes.Of(own);
  uint64_t best_rank = 0;
  for (const uint32_t label : votes.labels()) {
    if (label == own || votes.Of(label) < most) continue;
    // Among equals by chance, but never away from one's own.
    const uint64_t rank = Mix64(seed ^ Mix64(static_cast<uint64_t>(node)) ^ label);
    if (votes.Of(label) == most && (best == own || rank < best_rank)) continue;
    if (!Fits(limits.used[label], weights, limits.most)) continue;  // last: it lies anywhere
    best = label;
    most = votes.Of(label);
    best_rank = rank;
  }
  votes.Clear();
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
    if (members[labels[Z(v)]] > 1) continue;
    uint32_t wanted = static_cast<uint32_t>(labels.size());  // of a node without neighbours
    int64_t heaviest = 0;
    graph.ForEachNeighbor(v, [&](int64_t neighbor, int64_t weight) {
      if (weight > heaviest) {
        heaviest = weight;
        wanted = labels[Z(neighbor)];
      }
    });
    singles.emplace_back(wanted, static_cast<uint32_t>(v));
  }
  std::sort(singles.begin(), singles.end());
  for (size_t i = 1; i < singles.size(); ++i) {
    if (singles[i].first != singles[i - 1].first) continue;
    const uint32_t node = singles[i].second, into = labels[singles[i - 1].second];
    const Weights weights = graph.weights(node);
    // A third of the limit: what wanted the same need not belong together as much as neighbours do.
    if (!Fits(limits.used[into], weights, {most[0] / 3, most[1] / 3, most[2] / 3})) continue;
    for (size_t b = 0; b < kBalances; ++b) limits.used[into][b] += weights[b];
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

uint32_t ArcWeight(int64_t weight) {
  return static_cast<uint32_t>(std::min<int64_t>(weight, UINT32_MAX));
}

template <typename Body>
void ForEachRow(int64_t num_rows, ThreadPool& pool, const Body& body) {
  pool.ParallelFor(NumBlocks(num_rows, kNodesPerBlock / 8), [&](int64_t block, int worker) {
    const auto [begin, end] = Block(block, num_rows, kNodesPerBlock / 8);
    for (int64_t row = begin; row < end; ++row) body(row, worker);
  });
}

// Rows are made on all threads, and twice: first counted, then filled in place, so that no arc is
// held twice. count(row, worker) is a row's length.
template <typename Count>
void CountRows(int64_t num_rows, ThreadPool& pool, const Count& count, WeightedGraph& graph) {
  graph.indptr.assign(Z(num_rows) + 1, 0);
  ForEachRow(num_rows, pool,
             [&](int64_t row, int worker) { graph.indptr[Z(row) + 1] = count(row, worker); });
  std::partial_sum(graph.indptr.begin(), graph.indptr.end(), graph.indptr.begin());
}

// fill(row, worker, neighbors, weights) writes a row.
template <typename Fill>
void FillRows(ThreadPool& pool, const Fill& fill, WeightedGraph& graph) {
  graph.neighbors.resize(Z(graph.indptr.back()));
  graph.arc_weights.resize(Z(graph.indptr.back()));
  ForEachRow(graph.num_nodes(), pool, [&](int64_t row, int worker) {
    const size_t at = Z(graph.indptr[Z(row)]);
    fill(row, worker, graph.neighbors.data() + at, graph.arc_weights.data() + at);
  });
}

// Which arcs stay of a graph that may not have more than so many: those of weight w >= t all, of
// the others each with probability w / t, as one of weight t. So the weight of every cut is kept in
// expectation. Threshold sampling: Duffield, Lund and Thorup, IEEE Transactions on Information
// Theory 51 (2005).
class Thinning {
 public:
  explicit Thinning(int num_threads) : arcs_by_weight_(Z(num_threads)) {
    for (std::vector<int64_t>& arcs : arcs_by_weight_) arcs.resize(kMostThreshold + 1);
  }

  void Count(int64_t weight, int worker) {
    ++arcs_by_weight_[Z(worker)][Z(std::min(weight, kMostThreshold))];
  }
  // Sets the least threshold that leaves no more than so many of the arcs counted, in expectation.
  void Choose(int64_t most_arcs, uint64_t seed) {
    seed_ = seed;
    std::vector<int64_t> arcs(kMostThreshold + 1);
    for (const std::vector<int64_t>& some : arcs_by_weight_)
      for (size_t w = 0; w < arcs.size(); ++w) arcs[w] += some[w];
    int64_t heavy = std::accumulate(arcs.begin(), arcs.end(), int64_t{0});  // of weight >= t
    double light = 0;  // the weight of the others
    for (threshold_ = 1; threshold_ < kMostThreshold; ++threshold_) {
      if (static_cast<double>(heavy) + light / static_cast<double>(threshold_) <=
          static_cast<double>(most_arcs))
        break;
      heavy -= arcs[Z(threshold_)];
      light += static_cast<double>(arcs[Z(threshold_)] * threshold_);
    }
  }

  // The same for the arc from b to a, if its weight is the same.
  bool Keeps(int64_t a, int64_t b, int64_t weight) const {
    if (weight >= threshold_) return true;
    const auto low = static_cast<uint64_t>(std::min(a, b)),
               high = static_cast<uint64_t>(std::max(a, b));
    return static_cast<int64_t>(Mix64(seed_ ^ Mix64(low ^ Mix64(high))) %
                                static_cast<uint64_t>(threshold_)) < weight;
  }
  int64_t WeightOf(int64_t weight) const { return std::max(weight, threshold_); }

 private:
  static constexpr int64_t kMostThreshold = 65536;
  std::vector<std::vector<int64_t>> arcs_by_weight_;  // [threads][kMostThreshold + 1]
  int64_t threshold_ = 1;
  uint64_t seed_ = 0;
};

// Every arc turned round; rows ascending.
WeightedGraph Transposed(const WeightedGraph& graph) {
  WeightedGraph turned;
  turned.indptr.assign(graph.indptr.size(), 0);
  for (const uint32_t u : graph.neighbors) ++turned.indptr[u + 1];
  std::partial_sum(turned.indptr.begin(), turned.indptr.end(), turned.indptr.begin());
  turned.neighbors.resize(graph.neighbors.size());
  turned.arc_weights.resize(graph.neighbors.size());
  std::vector<int64_t> next(turned.indptr.begin(), turned.indptr.end() - 1);
  for (int64_t v = 0; v < graph.num_nodes(); ++v)
    graph.ForEachNeighbor(v, [&](int64_t u, int64_t weight) {
      const size_t at = Z(next[Z(u)]++);
      turned.neighbors[at] = static_cast<uint32_t>(v);
      turned.arc_weights[at] = static_cast<uint32_t>(weight);
    });
  return turned;
}

// visit(neighbour, weight) of the arcs of v in either graph, ascending, weights of both summed.
template <typename Visit>
void VisitUnion(const WeightedGraph& a, const WeightedGraph& b, int64_t v, const Visit& visit) {
  auto i = Z(a.indptr[Z(v)]), j = Z(b.indptr[Z(v)]);
  const auto end_i = Z(a.indptr[Z(v) + 1]), end_j = Z(b.indptr[Z(v) + 1]);
  while (i < end_i || j < end_j) {
    const uint32_t u = i == end_i   ? b.neighbors[j]
                       : j == end_j ? a.neighbors[i]
                                    : std::min(a.neighbors[i], b.neighbors[j]);
    int64_t weight = 0;
    if (i < end_i && a.neighbors[i] == u) weight += a.arc_weights[i++];
    if (j < end_j && b.neighbors[j] == u) weight += b.arc_weights[j++];
    visit(u, weight);
  }
}

// A with the inverse of each of its arcs, weights of both summed.
WeightedGraph Symmetrized(WeightedGraph graph, ThreadPool& pool) {
  const WeightedGraph turned = Transposed(graph);
  WeightedGraph both;
  both.node_weights = std::move(graph.node_weights);
  const auto count = [&](int64_t v, int) {
    int64_t length = 0;
    VisitUnion(graph, turned, v, [&](uint32_t, int64_t) { ++length; });
    return length;
  };
  CountRows(graph.num_nodes(), pool, count, both);
  const auto fill = [&](int64_t v, int, uint32_t* neighbors, uint32_t* weights) {
    VisitUnion(graph, turned, v, [&](uint32_t u, int64_t weight) {
      *neighbors++ = u;
      *weights++ = ArcWeight(weight);
    });
  };
  FillRows(pool, fill, both);
  return both;
}

}  // namespace

template <typename Graph>
int64_t SweepLabels(const Graph& graph, uint64_t seed, ThreadPool& pool, MoveLimits& limits,
                    absl::Span<uint32_t> labels) {
  const int64_t num_nodes = graph.num_nodes();
  const int64_t num_blocks = NumBlocks(num_nodes, kNodesPerBlock);
  std::vector<Votes> votes(Z(pool.num_threads()), Votes(limits.used.size()));
  int64_t moved = 0;
  for (uint64_t round = 0; round < kRounds; ++round) {
    std::vector<std::vector<Move>> moves(Z(num_blocks));
    pool.ParallelFor(num_blocks, [&](int64_t block, int worker) {
      const auto [begin, end] = Block(block, num_nodes, kNodesPerBlock);
      std::vector<int64_t> chosen;
      for (int64_t v = begin; v < end; ++v)
        if (Mix64(seed ^ static_cast<uint64_t>(v)) % kRounds == round) chosen.push_back(v);
      for (size_t i = 0; i < chosen.size(); ++i) {
        if (i + kNodesAhead < chosen.size()) PrefetchLabels(graph, chosen[i + kNodesAhead], labels);
        const int64_t v = chosen[i];
        const uint32_t label = BestLabel(graph, v, limits, labels, seed, votes[Z(worker)]);
        if (label != labels[Z(v)]) moves[Z(block)].push_back({v, label});
      }
    });
    for (const auto& block : moves) {
      for (const Move& move : block) {
        const Weights weights = graph.weights(move.node);
        if (!Fits(limits.used[move.label], weights, limits.most)) continue;
        uint32_t& label = labels[Z(move.node)];
        for (size_t b = 0; b < kBalances; ++b) {
          limits.used[label][b] -= weights[b];
          limits.used[move.label][b] += weights[b];
        }
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
  std::vector<uint32_t> labels(Z(num_nodes));
  std::iota(labels.begin(), labels.end(), 0u);
  MoveLimits limits;
  limits.most = most;
  limits.used.resize(Z(num_nodes));
  for (int64_t v = 0; v < num_nodes; ++v) limits.used[Z(v)] = graph.weights(v);
  for (int sweep = 0; sweep < kClusterSweeps; ++sweep) {
    const int64_t moved = SweepLabels(graph, Mix64(seed + static_cast<uint64_t>(sweep)), pool,
                                      limits, absl::MakeSpan(labels));
    if (moved < num_nodes / 50) break;
  }
  JoinSingles(graph, most, limits, absl::MakeSpan(labels));
  return Numbered(std::move(labels));
}

template <typename Graph>
WeightedGraph Contract(const Graph& graph, const Clusters& clusters, const ContractOptions& options,
                       ThreadPool& pool) {
  // Members of each cluster, one after another.
  std::vector<int64_t> begin(Z(clusters.count) + 1);
  for (const uint32_t cluster : clusters.of) ++begin[cluster + 1];
  std::partial_sum(begin.begin(), begin.end(), begin.begin());
  std::vector<uint32_t> members(clusters.of.size());
  std::vector<int64_t> next(begin.begin(), begin.end() - 1);
  for (size_t v = 0; v < clusters.of.size(); ++v)
    members[Z(next[clusters.of[v]]++)] = static_cast<uint32_t>(v);

  WeightedGraph coarse;
  coarse.node_weights.resize(Z(clusters.count));
  ForEachRow(clusters.count, pool, [&](int64_t c, int) {
    for (int64_t i = begin[Z(c)]; i < begin[Z(c) + 1]; ++i) {
      const Weights weights = graph.weights(members[Z(i)]);
      for (size_t b = 0; b < kBalances; ++b) coarse.node_weights[Z(c)][b] += weights[b];
    }
  });
  std::vector<Votes> votes(Z(pool.num_threads()), Votes(Z(clusters.count)));
  // The weights of the arcs from cluster c to the others, in the worker's votes.
  const auto sum_row = [&](int64_t c, int worker) -> Votes& {
    Votes& row = votes[Z(worker)];
    row.Clear();
    VoteBatch batch(row, static_cast<uint32_t>(c));
    for (int64_t i = begin[Z(c)]; i < begin[Z(c) + 1]; ++i)
      graph.ForEachNeighbor(
          members[Z(i)], [&](int64_t u, int64_t weight) { batch.Add(clusters.of[Z(u)], weight); });
    return row;
  };
  Thinning thinning(pool.num_threads());
  const auto count_all = [&](int64_t c, int worker) {
    const Votes& row = sum_row(c, worker);
    for (const uint32_t label : row.labels()) thinning.Count(row.Of(label), worker);
    return static_cast<int64_t>(row.labels().size());
  };
  CountRows(clusters.count, pool, count_all, coarse);
  // With its transpose and the union of both there are four times as many.
  const int64_t most_arcs = options.symmetric ? options.most_arcs : options.most_arcs / 4;
  if (coarse.indptr.back() > most_arcs) {
    thinning.Choose(most_arcs, options.seed);
    const auto count_kept = [&](int64_t c, int worker) {
      const Votes& row = sum_row(c, worker);
      return std::count_if(row.labels().begin(), row.labels().end(),
                           [&](uint32_t label) { return thinning.Keeps(c, label, row.Of(label)); });
    };
    CountRows(clusters.count, pool, count_kept, coarse);
  }
  const auto fill = [&](int64_t c, int worker, uint32_t* neighbors, uint32_t* weights) {
    Votes& row = sum_row(c, worker);
    row.SortLabels();
    for (const uint32_t label : row.labels()) {
      if (!thinning.Keeps(c, label, row.Of(label))) continue;
      *neighbors++ = label;
      *weights++ = ArcWeight(thinning.WeightOf(row.Of(label)));
    }
  };
  FillRows(pool, fill, coarse);
  return options.symmetric ? coarse : Symmetrized(std::move(coarse), pool);
}

#define QH_INSTANTIATE(Graph)                                                            \
  template int64_t SweepLabels(const Graph&, uint64_t, ThreadPool&, MoveLimits&,         \
                               absl::Span<uint32_t>);                                    \
  template Clusters ClusterNodes(const Graph&, const Weights&, uint64_t, ThreadPool&);   \
  template WeightedGraph Contract(const Graph&, const Clusters&, const ContractOptions&, \
                                  ThreadPool&);
QH_INSTANTIATE(TopologyLevel<uint32_t>)
QH_INSTANTIATE(TopologyLevel<int64_t>)
QH_INSTANTIATE(WeightedGraph)
#undef QH_INSTANTIATE

}  // namespace quadhop
