#include "partition/graph/structure.h"

#include <absl/types/span.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/status.h"
#include "core/store/topology.h"
#include "partition/graph/components.h"

namespace quadhop {
namespace {

constexpr int64_t kNodesPerBlock = int64_t{1} << 14;
constexpr size_t kHubs = 5;

void FillDegrees(const Topology& topology, absl::Span<const int64_t> original_ids,
                 GraphStructure& structure) {
  const auto n = static_cast<size_t>(topology.num_nodes());
  std::vector<int64_t> nodes(n);
  std::iota(nodes.begin(), nodes.end(), int64_t{0});
  const auto larger = [&](int64_t a, int64_t b) {
    const int64_t degree_a = topology.degree(a), degree_b = topology.degree(b);
    if (degree_a != degree_b) return degree_a > degree_b;
    return original_ids[static_cast<size_t>(a)] < original_ids[static_cast<size_t>(b)];
  };
  const auto at = [&](size_t rank) {
    const auto place = nodes.begin() + static_cast<std::ptrdiff_t>(rank);
    std::nth_element(nodes.begin(), place, nodes.end(), larger);
    return topology.degree(*place);
  };
  structure.median_degree = at(n / 2);
  structure.degree_99 = at(n / 100);
  const size_t hubs = std::min(kHubs, n);
  std::partial_sort(nodes.begin(), nodes.begin() + static_cast<std::ptrdiff_t>(hubs), nodes.end(),
                    larger);
  for (size_t i = 0; i < hubs; ++i)
    structure.hubs.push_back(
        {original_ids[static_cast<size_t>(nodes[i])], topology.degree(nodes[i])});
}

void FillComponents(Components& components, int64_t num_nodes, GraphStructure& structure) {
  std::vector<int64_t> sizes(static_cast<size_t>(num_nodes));
  for (int64_t v = 0; v < num_nodes; ++v) ++sizes[static_cast<size_t>(components.Find(v))];
  structure.components = num_nodes - std::count(sizes.begin(), sizes.end(), int64_t{0});
  structure.isolated_nodes = std::count(sizes.begin(), sizes.end(), int64_t{1});
  structure.largest_component = *std::max_element(sizes.begin(), sizes.end());
}

// What every arc adds to.
struct ArcSums {
  int64_t labelled = 0, equal = 0;
  double two_step_paths = 0;
};

template <typename Index>
ArcSums VisitArcs(const Topology& topology, absl::Span<const Index> indices,
                  absl::Span<const int32_t> labels, BlockRange nodes, Components& components) {
  ArcSums sums;
  const auto label = [&](int64_t v) {
    return labels.empty() ? kUnlabelled : labels[static_cast<size_t>(v)];
  };
  for (int64_t v = nodes.begin; v < nodes.end; ++v) {
    for (int64_t e = topology.indptr[static_cast<size_t>(v)];
         e < topology.indptr[static_cast<size_t>(v) + 1]; ++e) {
      const auto u = static_cast<int64_t>(indices[static_cast<size_t>(e)]);
      components.Join(v, u);
      sums.two_step_paths += static_cast<double>(topology.degree(u));
      if (label(v) == kUnlabelled || label(u) == kUnlabelled) continue;
      ++sums.labelled;
      sums.equal += label(v) == label(u);
    }
  }
  return sums;
}

}  // namespace

double GraphStructure::homophily() const {
  return labelled_arcs == 0 ? std::nan("")
                            : static_cast<double>(equal_arcs) / static_cast<double>(labelled_arcs);
}

absl::StatusOr<GraphStructure> GraphStructure::Of(const Store& store, ThreadPool& pool) {
  QH_ASSIGN_OR_RETURN(const Topology topology, store.topology());
  QH_ASSIGN_OR_RETURN(const absl::Span<const int64_t> original_ids, store.original_ids());
  absl::Span<const int32_t> labels;
  if (!store.manifest().multi_label() && store.HasFile("labels.npy")) {
    QH_ASSIGN_OR_RETURN(labels, store.labels());
  }
  const int64_t num_nodes = topology.num_nodes();
  GraphStructure structure;
  FillDegrees(topology, original_ids, structure);
  Components components(num_nodes);
  std::vector<ArcSums> parts(static_cast<size_t>(NumBlocks(num_nodes, kNodesPerBlock)));
  VisitIndices(topology, [&](auto indices) {
    pool.ParallelFor(static_cast<int64_t>(parts.size()), [&](int64_t block, int) {
      parts[static_cast<size_t>(block)] =
          VisitArcs(topology, indices, labels, Block(block, num_nodes, kNodesPerBlock), components);
    });
  });
  double two_step_paths = 0;
  for (const ArcSums& part : parts) {
    structure.labelled_arcs += part.labelled;
    structure.equal_arcs += part.equal;
    two_step_paths += part.two_step_paths;
  }
  structure.mean_two_step_paths = two_step_paths / static_cast<double>(num_nodes);
  FillComponents(components, num_nodes, structure);
  return structure;
}

}  // namespace quadhop
