#include "partition/graph/statistics.h"

#include <algorithm>
#include <limits>

#include "core/base/status.h"

namespace quadhop {
namespace {

constexpr int64_t kNodesPerBlock = int64_t{1} << 18;

struct DegreeCounts {
  int64_t min = std::numeric_limits<int64_t>::max();
  int64_t max = 0;
  int64_t zeros = 0;
};

DegreeCounts CountDegrees(const Topology& topology, ThreadPool& pool) {
  std::vector<DegreeCounts> parts(
      static_cast<size_t>(NumBlocks(topology.num_nodes(), kNodesPerBlock)));
  pool.ParallelFor(static_cast<int64_t>(parts.size()), [&](int64_t block, int) {
    DegreeCounts counts;
    const BlockRange range = Block(block, topology.num_nodes(), kNodesPerBlock);
    for (int64_t node = range.begin; node < range.end; ++node) {
      const int64_t degree = topology.degree(node);
      counts.min = std::min(counts.min, degree);
      counts.max = std::max(counts.max, degree);
      counts.zeros += degree == 0;
    }
    parts[static_cast<size_t>(block)] = counts;
  });
  DegreeCounts all;
  for (const DegreeCounts& part : parts) {
    all.min = std::min(all.min, part.min);
    all.max = std::max(all.max, part.max);
    all.zeros += part.zeros;
  }
  return all;
}

absl::StatusOr<SplitStatistics> CountSplit(const Store& store, const std::string& name) {
  QH_ASSIGN_OR_RETURN(const absl::Span<const uint8_t> split, store.split(name));
  const auto count = [&](SplitPart part) {
    return int64_t{std::count(split.begin(), split.end(), static_cast<uint8_t>(part))};
  };
  return SplitStatistics{name, count(SplitPart::kTrain), count(SplitPart::kValid),
                         count(SplitPart::kTest)};
}

}  // namespace

absl::StatusOr<GraphStatistics> GraphStatistics::Of(const Store& store, ThreadPool& pool) {
  QH_ASSIGN_OR_RETURN(const Topology topology, store.topology());
  GraphStatistics statistics;
  statistics.nodes = topology.num_nodes();
  statistics.arcs = topology.num_arcs();
  if (statistics.nodes > 0) {
    const DegreeCounts degrees = CountDegrees(topology, pool);
    statistics.min_degree = degrees.min;
    statistics.max_degree = degrees.max;
    statistics.without_out_neighbours = degrees.zeros;
    statistics.mean_degree =
        static_cast<double>(statistics.arcs) / static_cast<double>(statistics.nodes);
  }
  for (const std::string& name : store.manifest().split_names()) {
    QH_ASSIGN_OR_RETURN(SplitStatistics split, CountSplit(store, name));
    statistics.splits.push_back(std::move(split));
  }
  return statistics;
}

}  // namespace quadhop
