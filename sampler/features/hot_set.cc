#include "sampler/features/hot_set.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>

#include "core/base/rng.h"
#include "core/store/topology.h"

namespace quadhop {
namespace {

constexpr int64_t kBlockNodes = 16;
// Draws are summed in units of 2^-32, since integers can be added in any order.
constexpr double kUnit = 0x1p32;

using Units = std::vector<uint64_t>;  // [N]

void Add(Units& units, int64_t node, uint64_t amount) {
  std::atomic_ref<uint64_t>(units[static_cast<size_t>(node)])
      .fetch_add(amount, std::memory_order_relaxed);
}

// Calls visit(neighbour) for each out-neighbour.
template <typename Visit>
void ForEachNeighbour(const Topology& topology, int64_t node, const Visit& visit) {
  VisitIndices(topology, [&](auto indices) {
    for (const auto neighbour : NeighborsOf(topology, indices, node))
      visit(static_cast<int64_t>(neighbour));
  });
}

int64_t NumTwoStepPaths(const Topology& topology, int64_t node) {
  int64_t paths = 0;
  ForEachNeighbour(topology, node, [&](int64_t u) { paths += topology.degree(u); });
  return paths;
}

// What one thread needs: the distinct nodes that are two steps away.
struct Scratch {
  std::vector<int32_t> seen_by;  // [N]: the last training node (its place, from 1) that reached it
  std::vector<int64_t> second;
};

uint64_t Share(int32_t wanted, int64_t pool, double scale) {
  const double p = std::min(1.0, static_cast<double>(wanted) / static_cast<double>(pool));
  return static_cast<uint64_t>(std::llround(p * scale * kUnit));
}

void AddExact(const Topology& topology, int64_t node, int32_t mark, int32_t wanted, double scale,
              Scratch& scratch, Units& units) {
  scratch.second.clear();
  ForEachNeighbour(topology, node, [&](int64_t u) {
    ForEachNeighbour(topology, u, [&](int64_t w) {
      int32_t& seen_by = scratch.seen_by[static_cast<size_t>(w)];
      if (seen_by == mark) return;
      seen_by = mark;
      scratch.second.push_back(w);
    });
  });
  const int64_t pool = topology.degree(node) + static_cast<int64_t>(scratch.second.size());
  if (pool == 0) return;
  const uint64_t share = Share(wanted, pool, scale);
  ForEachNeighbour(topology, node, [&](int64_t u) { Add(units, u, share); });
  for (const int64_t w : scratch.second) Add(units, w, share);
}

void AddPaths(const Topology& topology, int64_t node, int32_t wanted, double scale, Units& units) {
  const int64_t pool = topology.degree(node) + NumTwoStepPaths(topology, node);
  if (pool == 0) return;
  const uint64_t share = Share(wanted, pool, scale);
  ForEachNeighbour(topology, node, [&](int64_t u) {
    Add(units, u, share);
    ForEachNeighbour(topology, u, [&](int64_t w) { Add(units, w, share); });
  });
}

// All training nodes, or so many of them that they have about max_paths two-step paths.
std::vector<GlobalId> Subset(const Topology& topology, absl::Span<const GlobalId> training,
                             int64_t max_paths, ThreadPool& pool) {
  std::vector<int64_t> paths(training.size());
  pool.ParallelFor(static_cast<int64_t>(paths.size()), [&](int64_t i, int) {
    const auto place = static_cast<size_t>(i);
    paths[place] = NumTwoStepPaths(topology, training[place].value());
  });
  const double all = static_cast<double>(std::accumulate(paths.begin(), paths.end(), int64_t{0}));
  const double part = static_cast<double>(max_paths) / std::max(all, 1.0);
  std::vector<GlobalId> subset;
  for (const GlobalId node : training) {
    const uint64_t hash = Mix64(static_cast<uint64_t>(node.value()));
    if (static_cast<double>(hash >> 11) * 0x1p-53 < part) subset.push_back(node);
  }
  return subset;
}

}  // namespace

std::vector<float> ExpectedDraws(const Topology& topology, const SamplerOptions& options,
                                 absl::Span<const GlobalId> training, ThreadPool& pool,
                                 int64_t max_paths) {
  const auto num_nodes = static_cast<size_t>(topology.num_nodes());
  const int32_t wanted = options.sampled_nodes - 1;
  Units units(num_nodes);
  std::vector<float> expected(num_nodes);
  const std::vector<GlobalId> subset = Subset(topology, training, max_paths, pool);
  if (wanted <= 0 || subset.empty()) return expected;
  const double scale = static_cast<double>(training.size()) / static_cast<double>(subset.size());
  const bool exact = options.method == SamplerOptions::Method::kExact;
  std::vector<Scratch> scratch(static_cast<size_t>(pool.num_threads()));
  const auto num_training = static_cast<int64_t>(subset.size());
  pool.ParallelFor(NumBlocks(num_training, kBlockNodes), [&](int64_t block, int worker) {
    Scratch& own = scratch[static_cast<size_t>(worker)];
    if (exact) own.seen_by.resize(num_nodes);
    const BlockRange range = Block(block, num_training, kBlockNodes);
    for (int64_t i = range.begin; i < range.end; ++i) {
      const int64_t node = subset[static_cast<size_t>(i)].value();
      if (exact)
        AddExact(topology, node, static_cast<int32_t>(i + 1), wanted, scale, own, units);
      else
        AddPaths(topology, node, wanted, scale, units);
    }
  });
  for (size_t v = 0; v < num_nodes; ++v)
    expected[v] = static_cast<float>(static_cast<double>(units[v]) / kUnit);
  return expected;
}

int64_t ForecastBytes(int64_t num_nodes, const SamplerOptions& options, int num_threads) {
  const bool exact = options.method == SamplerOptions::Method::kExact;
  const size_t of_thread = exact ? sizeof(Scratch::seen_by.front()) : 0;
  // ChooseHotSet takes no more: its list of nodes comes when the units are gone.
  const size_t of_node =
      sizeof(Units::value_type) + sizeof(float) + static_cast<size_t>(num_threads) * of_thread;
  return num_nodes * static_cast<int64_t>(of_node);
}

HotSet ChooseHotSet(absl::Span<const float> expected_draws, BlockRange own, int64_t max_rows,
                    int64_t num_steps) {
  const auto draws = [&](GlobalId node) {
    return expected_draws[static_cast<size_t>(node.value())];
  };
  const auto is_worth_it = [&](float expected) { return expected > 0; };
  std::vector<GlobalId> remote;
  remote.reserve(static_cast<size_t>(
      std::count_if(expected_draws.begin(), expected_draws.end(), is_worth_it)));
  for (int64_t v = 0; v < static_cast<int64_t>(expected_draws.size()); ++v)
    if ((v < own.begin || v >= own.end) && is_worth_it(draws(GlobalId(v)))) remote.emplace_back(v);
  const auto kept = static_cast<std::ptrdiff_t>(
      std::min(std::max<int64_t>(0, max_rows), static_cast<int64_t>(remote.size())));
  std::nth_element(
      remote.begin(), remote.begin() + kept, remote.end(),
      [&](GlobalId a, GlobalId b) { return draws(a) != draws(b) ? draws(a) > draws(b) : a < b; });
  // Draws fall into steps at random: a step needs the row with probability 1 - exp(-draws / steps).
  const auto steps_that_need = [&](GlobalId node) {
    const double steps = static_cast<double>(std::max<int64_t>(1, num_steps));
    return -steps * std::expm1(-static_cast<double>(draws(node)) / steps);
  };
  double all = 0, held = 0;
  for (std::ptrdiff_t i = 0; i < static_cast<std::ptrdiff_t>(remote.size()); ++i) {
    const double steps = steps_that_need(remote[static_cast<size_t>(i)]);
    all += steps;
    if (i < kept) held += steps;
  }
  HotSet hot;
  hot.nodes.assign(remote.begin(), remote.begin() + kept);
  std::sort(hot.nodes.begin(), hot.nodes.end());
  hot.expected_hit_rate = all > 0 ? held / all : 0;
  return hot;
}

}  // namespace quadhop
