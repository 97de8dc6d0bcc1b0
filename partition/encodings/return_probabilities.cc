#include "partition/encodings/return_probabilities.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <vector>

#include "partition/encodings/random_walk.h"
#include "partition/linear_algebra/random_rows.h"

namespace quadhop {
namespace {

constexpr int kWalks = 256;
constexpr double kMostRatio = kWalks / 4.0;  // of a node's degree to its neighbours', on average
constexpr int64_t kNodesPerBlock = 64;

RandomStream WalksOf(const EncoderInput& input, int64_t node) {
  return StreamOfRow(input.seed, input.keys[static_cast<size_t>(node)], RowDraws::kReturns);
}

// The share of walks that are back.
void CountReturns(const EncoderInput& input, int64_t node, float* row, int64_t num_columns) {
  RandomStream random = WalksOf(input, node);
  for (int walk = 0; walk < kWalks; ++walk) {
    int64_t at = RandomNeighbor(input.topology, node, random);
    for (int64_t column = 0; column < num_columns; ++column) {
      at = RandomNeighbor(input.topology, at, random);
      if (at == node) row[column] += 1.0f / kWalks;
    }
  }
}

// Where the walks of a node are after some number of steps.
struct Places {
  struct Place {
    int64_t node;
    int64_t num_walks;
  };
  std::array<int64_t, kWalks> walks;  // the node of each
  std::vector<Place> places;          // by node, ascending

  void Count() {
    std::array<int64_t, kWalks> sorted = walks;
    std::sort(sorted.begin(), sorted.end());
    places.clear();
    for (const int64_t node : sorted) {
      if (places.empty() || places.back().node != node) places.push_back({node, 0});
      ++places.back().num_walks;
    }
  }
};

// Sum over nodes u other than `home` of n(u) m(u) / degree(u), where n and m are how often u is
// among the first and the second; without pairs of a walk and itself.
double SumOfMeetings(const Topology& topology, int64_t home, const Places& first,
                     const Places& second) {
  const auto share = [&](int64_t node, int64_t num_pairs) {
    return static_cast<double>(num_pairs) / static_cast<double>(topology.degree(node));
  };
  double sum = 0;
  auto one = first.places.begin(), two = second.places.begin();
  while (one != first.places.end() && two != second.places.end()) {
    if (one->node == two->node && one->node != home)
      sum += share(one->node, one->num_walks * two->num_walks);
    const int64_t node = one->node;
    if (node <= two->node) ++one;
    if (two->node <= node) ++two;
  }
  for (size_t walk = 0; walk < kWalks; ++walk)
    if (const int64_t node = first.walks[walk]; node == second.walks[walk] && node != home)
      sum -= share(node, 1);
  return sum;
}

// Of an undirected graph, in which d_v P^b(v, u) = d_u P^b(u, v): the probability of being back
// after a + b steps, P^(a+b)(v, v), is the sum over u of P^a(v, u) P^b(v, u) d_v / d_u. So every
// pair of walks counts that meet, one after a steps and the other after b. For u = v the sum has
// probabilities that are known already, and better. The variance of a meeting elsewhere is about
// p d_v / d_u / kWalks^2, that of a share of walks p / kWalks: nodes of much larger degree than
// their neighbours count walks that are back.
class MeetingWalks {
 public:
  explicit MeetingWalks(const EncoderInput& input) : input_(input) {}

  void Count(int64_t node, float* row, int64_t num_columns) {
    const Topology& topology = input_.topology;
    const auto degree = static_cast<double>(topology.degree(node));
    const auto after_two_steps = static_cast<float>(AfterTwoSteps(node));
    if (const double mean_ratio = degree * double{after_two_steps}; mean_ratio > kMostRatio) {
      CountReturns(input_, node, row, num_columns);
      row[0] = after_two_steps;
      return;
    }
    row[0] = after_two_steps;
    Walk(node, (num_columns + 2) / 2);
    for (int64_t column = 1; column < num_columns; ++column) {
      const int64_t a = (column + 3) / 2, b = (column + 2) / 2;
      const double elsewhere = SumOfMeetings(topology, node, after_[static_cast<size_t>(a)],
                                             after_[static_cast<size_t>(b)]);
      const double at_home = b < 2 ? 0 : double{row[a - 2]} * double{row[b - 2]};
      row[column] = static_cast<float>(
          std::clamp(elsewhere * degree / (kWalks * (kWalks - 1.0)) + at_home, 0.0, 1.0));
    }
  }

 private:
  // In full: there are as many summands as neighbours.
  double AfterTwoSteps(int64_t node) const {
    const auto degree = static_cast<uint64_t>(input_.topology.degree(node));
    double sum = 0;
    for (uint64_t i = 0; i < degree; ++i)
      sum += 1 / static_cast<double>(input_.topology.degree(Neighbor(input_.topology, node, i)));
    return sum / static_cast<double>(degree);
  }

  void Walk(int64_t node, int64_t num_steps) {
    after_.resize(static_cast<size_t>(num_steps) + 1);
    after_[0].walks.fill(node);
    RandomStream random = WalksOf(input_, node);
    for (size_t step = 1; step < after_.size(); ++step) {
      for (size_t walk = 0; walk < kWalks; ++walk)
        after_[step].walks[walk] =
            RandomNeighbor(input_.topology, after_[step - 1].walks[walk], random);
      after_[step].Count();
    }
  }

  const EncoderInput& input_;
  std::vector<Places> after_;  // by number of steps
};

}  // namespace

absl::Status ReturnProbabilities(const EncoderInput& input, TensorView<float> out) {
  const int64_t num_nodes = input.topology.num_nodes();
  std::atomic<int64_t> nodes_done = 0;
  input.pool.ParallelFor(NumBlocks(num_nodes, kNodesPerBlock), [&](int64_t block, int) {
    const BlockRange range = Block(block, num_nodes, kNodesPerBlock);
    MeetingWalks walks(input);
    for (int64_t node = range.begin; node < range.end; ++node) {
      std::fill_n(out.row(node), out.dim(1), 0.0f);
      if (input.topology.degree(node) == 0) continue;
      if (input.directed)
        CountReturns(input, node, out.row(node), out.dim(1));
      else
        walks.Count(node, out.row(node), out.dim(1));
    }
    nodes_done += range.end - range.begin;
    Tell(input.on_progress, "walks", ShareOf(nodes_done, num_nodes));
  });
  return absl::OkStatus();
}

}  // namespace quadhop
