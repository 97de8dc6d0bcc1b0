#include "partition/cuts/cut_quality.h"

#include <algorithm>
#include <numeric>

#include "core/base/check.h"
#include "core/base/rng.h"
#include "core/store/topology.h"

namespace quadhop {
namespace {

constexpr int64_t kSampledNodes = 4096;
constexpr int kPathsPerNode = 32;
constexpr uint64_t kPathStream = 2;  // `minor` of the stream keys; the hash partitioner has 0

template <typename Index>
class CutMeasure {
 public:
  CutMeasure(const Topology& topology, absl::Span<const Index> indices,
             absl::Span<const int32_t> part_of, absl::Span<const uint8_t> train)
      : topology_(topology), indices_(indices), part_of_(part_of), train_(train) {}

  // `seen` [N] is false, before and after.
  PartFigures OfPart(absl::Span<const int64_t> nodes, std::vector<bool>& seen) const {
    PartFigures figures;
    figures.nodes = static_cast<int64_t>(nodes.size());
    for (const int64_t node : nodes) {
      figures.arcs += topology_.degree(node);
      figures.train += !train_.empty() && train_[static_cast<size_t>(node)] != 0;
      for (const Index neighbor : NeighborsOf(topology_, indices_, node)) {
        if (PartOf(neighbor) == PartOf(node)) continue;
        ++figures.cut_arcs;
        figures.halo_nodes += !seen[static_cast<size_t>(neighbor)];
        seen[static_cast<size_t>(neighbor)] = true;
      }
    }
    for (const int64_t node : nodes)
      for (const Index neighbor : NeighborsOf(topology_, indices_, node))
        seen[static_cast<size_t>(neighbor)] = false;
    return figures;
  }

  // How many of kPathsPerNode paths from the node end in another part; -1 if it has no path.
  int64_t RemotePaths(int64_t node) const {
    const auto neighbors = NeighborsOf(topology_, indices_, node);
    int64_t num_paths = static_cast<int64_t>(neighbors.size());
    for (const Index neighbor : neighbors)
      num_paths += topology_.degree(static_cast<int64_t>(neighbor));
    if (num_paths == 0) return -1;
    RandomStream random(0, RandomPurpose::kPartition, static_cast<uint64_t>(node), kPathStream);
    int64_t remote = 0;
    for (int draw = 0; draw < kPathsPerNode; ++draw) {
      const auto path = static_cast<int64_t>(random.Below(static_cast<uint64_t>(num_paths)));
      remote += PartOf(EndOfPath(neighbors, path)) != PartOf(node);
    }
    return remote;
  }

 private:
  template <typename Node>
  int32_t PartOf(Node node) const {
    return part_of_[static_cast<size_t>(node)];
  }

  // The paths of a node in order: those of one arc, then those through its first neighbour, ...
  int64_t EndOfPath(absl::Span<const Index> neighbors, int64_t path) const {
    if (path < static_cast<int64_t>(neighbors.size()))
      return static_cast<int64_t>(neighbors[static_cast<size_t>(path)]);
    path -= static_cast<int64_t>(neighbors.size());
    for (const Index neighbor : neighbors) {
      const auto next = NeighborsOf(topology_, indices_, static_cast<int64_t>(neighbor));
      if (path < static_cast<int64_t>(next.size()))
        return static_cast<int64_t>(next[static_cast<size_t>(path)]);
      path -= static_cast<int64_t>(next.size());
    }
    QH_CHECK(false);
    return -1;
  }

  const Topology& topology_;
  absl::Span<const Index> indices_;
  absl::Span<const int32_t> part_of_;
  absl::Span<const uint8_t> train_;
};

// Evenly spaced training nodes, or nodes if there are none.
std::vector<int64_t> NodesToSample(int64_t num_nodes, absl::Span<const uint8_t> train) {
  std::vector<int64_t> candidates;
  for (size_t node = 0; node < train.size(); ++node)
    if (train[node] != 0) candidates.push_back(static_cast<int64_t>(node));
  const auto pool_size = candidates.empty() ? num_nodes : static_cast<int64_t>(candidates.size());
  const int64_t count = std::min(kSampledNodes, pool_size);
  std::vector<int64_t> sampled;
  for (int64_t i = 0; i < count; ++i) {
    const auto at = static_cast<int64_t>(static_cast<double>(i) * static_cast<double>(pool_size) /
                                         static_cast<double>(count));
    sampled.push_back(candidates.empty() ? at : candidates[static_cast<size_t>(at)]);
  }
  return sampled;
}

template <typename Index>
double EstimateRemoteShare(const CutMeasure<Index>& measure, absl::Span<const int64_t> nodes,
                           ThreadPool& pool) {
  std::vector<int64_t> remote(nodes.size());
  pool.ParallelFor(static_cast<int64_t>(nodes.size()), [&](int64_t i, int) {
    remote[static_cast<size_t>(i)] = measure.RemotePaths(nodes[static_cast<size_t>(i)]);
  });
  int64_t paths = 0, remote_paths = 0;
  for (const int64_t count : remote) {
    if (count < 0) continue;
    paths += kPathsPerNode;
    remote_paths += count;
  }
  return paths == 0 ? 0 : static_cast<double>(remote_paths) / static_cast<double>(paths);
}

}  // namespace

PartFigures CutQuality::Total() const {
  PartFigures total;
  for (const PartFigures& part : parts) {
    total.nodes += part.nodes;
    total.arcs += part.arcs;
    total.cut_arcs += part.cut_arcs;
    total.train += part.train;
    total.halo_nodes += part.halo_nodes;
  }
  return total;
}

CutQuality CutQuality::Of(const Topology& topology, absl::Span<const int32_t> part_of,
                          absl::Span<const uint8_t> train, const PartGroups& groups,
                          ThreadPool& pool) {
  CutQuality quality;
  quality.parts.resize(groups.offsets.size() - 1);
  std::vector<std::vector<bool>> seen(static_cast<size_t>(pool.num_threads()),
                                      std::vector<bool>(part_of.size()));
  const std::vector<int64_t> sampled = NodesToSample(topology.num_nodes(), train);
  VisitIndices(topology, [&](auto indices) {
    const CutMeasure measure(topology, indices, part_of, train);
    pool.ParallelFor(static_cast<int64_t>(quality.parts.size()), [&](int64_t part, int worker) {
      const auto p = static_cast<size_t>(part);
      quality.parts[p] = measure.OfPart(groups.Part(p), seen[static_cast<size_t>(worker)]);
    });
    quality.remote_share = EstimateRemoteShare(measure, absl::MakeConstSpan(sampled), pool);
  });
  return quality;
}

}  // namespace quadhop
