#include "partition/cuts/contraction.h"

#include <absl/types/span.h>

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "core/base/casts.h"
#include "core/base/rng.h"
#include "core/threads/for_each_row.h"
#include "partition/cuts/row_votes.h"

namespace quadhop {
namespace {

constexpr int64_t kRowsPerBlock = 512;

uint32_t ArcWeight(int64_t weight) {
  return static_cast<uint32_t>(std::min<int64_t>(weight, UINT32_MAX));
}

// Rows are made on all threads, first counted, then filled in place, so that no arc is held twice.
// count(row, worker) is a row's length.
template <typename Count>
void CountRows(int64_t num_rows, ThreadPool& pool, const Count& count, WeightedGraph& graph) {
  graph.indptr.assign(AsSize(num_rows) + 1, 0);
  ForEachRow(num_rows, kRowsPerBlock, pool,
             [&](int64_t row, int worker) { graph.indptr[AsSize(row) + 1] = count(row, worker); });
  std::partial_sum(graph.indptr.begin(), graph.indptr.end(), graph.indptr.begin());
}

// fill(row, worker, neighbors, weights) writes a row.
template <typename Fill>
void FillRows(ThreadPool& pool, const Fill& fill, WeightedGraph& graph) {
  graph.neighbors.resize(AsSize(graph.indptr.back()));
  graph.arc_weights.resize(AsSize(graph.indptr.back()));
  ForEachRow(graph.num_nodes(), kRowsPerBlock, pool, [&](int64_t row, int worker) {
    const size_t at = AsSize(graph.indptr[AsSize(row)]);
    fill(row, worker, graph.neighbors.data() + at, graph.arc_weights.data() + at);
  });
}

// Chooses which arcs of a graph stay if it has more than it may: ContractOptions.
class Thinning {
 public:
  explicit Thinning(int num_threads) : arcs_by_weight_(AsSize(num_threads)) {
    for (std::vector<int64_t>& arcs : arcs_by_weight_) arcs.resize(kMostThreshold + 1);
  }

  void Count(int64_t weight, int worker) {
    ++arcs_by_weight_[AsSize(worker)][AsSize(std::min(weight, kMostThreshold))];
  }
  // Sets the least threshold, up to kMostThreshold, that leaves no more than `most_arcs` of the
  // arcs counted, in expectation.
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
      heavy -= arcs[AsSize(threshold_)];
      light += static_cast<double>(arcs[AsSize(threshold_)] * threshold_);
    }
  }

  // Decides the same for the arc from b to a, if its weight is the same.
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

// The graph with every arc turned round; rows ascending.
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
      const size_t at = AsSize(next[AsSize(u)]++);
      turned.neighbors[at] = static_cast<uint32_t>(v);
      turned.arc_weights[at] = static_cast<uint32_t>(weight);
    });
  return turned;
}

// visit(neighbour, weight) for the arcs of v in either graph, ascending, weights of both summed.
template <typename Visit>
void VisitUnion(const WeightedGraph& a, const WeightedGraph& b, int64_t v, const Visit& visit) {
  auto i = AsSize(a.indptr[AsSize(v)]), j = AsSize(b.indptr[AsSize(v)]);
  const auto end_i = AsSize(a.indptr[AsSize(v) + 1]), end_j = AsSize(b.indptr[AsSize(v) + 1]);
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

// The graph with the inverse of each of its arcs, weights of both summed.
WeightedGraph Symmetrized(WeightedGraph graph, ThreadPool& pool) {
  const WeightedGraph turned = Transposed(graph);
  WeightedGraph both;
  both.node_weights = std::move(graph.node_weights);
  both.thinned = graph.thinned;
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

// The nodes of each cluster.
struct Members {
  explicit Members(const Clusters& clusters)
      : begin(AsSize(clusters.count) + 1), nodes(clusters.of.size()) {
    for (const uint32_t cluster : clusters.of) ++begin[cluster + 1];
    std::partial_sum(begin.begin(), begin.end(), begin.begin());
    std::vector<int64_t> next(begin.begin(), begin.end() - 1);
    for (size_t v = 0; v < nodes.size(); ++v)
      nodes[AsSize(next[clusters.of[v]]++)] = static_cast<uint32_t>(v);
  }
  absl::Span<const uint32_t> of(int64_t cluster) const {
    return absl::MakeConstSpan(nodes).subspan(
        AsSize(begin[AsSize(cluster)]),
        AsSize(begin[AsSize(cluster) + 1] - begin[AsSize(cluster)]));
  }

  std::vector<int64_t> begin;   // [clusters + 1]
  std::vector<uint32_t> nodes;  // [n], by cluster
};

template <typename Graph>
std::vector<Weights> ClusterWeights(const Graph& graph, const Members& members, ThreadPool& pool) {
  std::vector<Weights> sums(members.begin.size() - 1);
  ForEachRow(static_cast<int64_t>(sums.size()), kRowsPerBlock, pool, [&](int64_t c, int) {
    Weights& sum = sums[AsSize(c)];
    for (const uint32_t node : members.of(c)) sum = Plus(sum, graph.weights(node));
  });
  return sums;
}

// Rows of the graph of clusters, one per thread at a time.
template <typename Graph>
class ClusterRows {
 public:
  ClusterRows(const Graph& graph, const Clusters& clusters, const Members& members, int num_threads)
      : graph_(graph),
        clusters_(clusters),
        members_(members),
        votes_(AsSize(clusters.count), num_threads) {}

  // use(votes): the weights of the arcs from cluster c to the others.
  template <typename Use>
  auto Sum(int64_t c, int worker, const Use& use) {
    const auto add_all = [&](auto& row) {
      for (const uint32_t node : members_.of(c))
        graph_.ForEachNeighbor(node, [&](int64_t u, int64_t weight) {
          const uint32_t cluster = clusters_.of[AsSize(u)];
          if (cluster != c) row.Add(cluster, weight);
        });
    };
    return votes_.Count(worker, add_all, use);
  }

 private:
  const Graph& graph_;
  const Clusters& clusters_;
  const Members& members_;
  RowVotes votes_;
};

}  // namespace

template <typename Graph>
WeightedGraph Contract(const Graph& graph, const Clusters& clusters, const ContractOptions& options,
                       ThreadPool& pool) {
  const Members members(clusters);
  WeightedGraph coarse;
  coarse.node_weights = ClusterWeights(graph, members, pool);
  ClusterRows rows(graph, clusters, members, pool.num_threads());
  Thinning thinning(pool.num_threads());
  const auto count_all = [&](int64_t c, int worker) {
    return rows.Sum(c, worker, [&](const auto& row) {
      row.ForEach([&](uint32_t, int64_t weight) { thinning.Count(weight, worker); });
      return static_cast<int64_t>(row.size());
    });
  };
  CountRows(clusters.count, pool, count_all, coarse);
  // With its transpose and the union of both there are four times as many.
  const int64_t most_arcs = options.symmetric ? options.most_arcs : options.most_arcs / 4;
  coarse.thinned = coarse.indptr.back() > most_arcs;
  if (coarse.thinned) {
    thinning.Choose(most_arcs, options.seed);
    const auto count_kept = [&](int64_t c, int worker) {
      return rows.Sum(c, worker, [&](const auto& row) {
        int64_t kept = 0;
        row.ForEach([&](uint32_t to, int64_t weight) { kept += thinning.Keeps(c, to, weight); });
        return kept;
      });
    };
    CountRows(clusters.count, pool, count_kept, coarse);
  }
  const auto fill = [&](int64_t c, int worker, uint32_t* neighbors, uint32_t* weights) {
    rows.Sum(c, worker, [&](const auto& row) {
      uint32_t* end = neighbors;
      row.ForEach([&](uint32_t to, int64_t weight) {
        if (thinning.Keeps(c, to, weight)) *end++ = to;
      });
      std::sort(neighbors, end);
      for (const uint32_t* to = neighbors; to < end; ++to)
        *weights++ = ArcWeight(thinning.WeightOf(row.Of(*to)));
    });
  };
  FillRows(pool, fill, coarse);
  return options.symmetric ? coarse : Symmetrized(std::move(coarse), pool);
}

#define QH_INSTANTIATE(Graph)                                                            \
  template WeightedGraph Contract(const Graph&, const Clusters&, const ContractOptions&, \
                                  ThreadPool&);
QH_INSTANTIATE(TopologyLevel<uint32_t>)
QH_INSTANTIATE(TopologyLevel<int64_t>)
QH_INSTANTIATE(WeightedGraph)
#undef QH_INSTANTIATE

}  // namespace quadhop
