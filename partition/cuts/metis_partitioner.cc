#include <absl/strings/str_format.h>
#include <metis.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

#include "core/base/rng.h"
#include "core/base/status.h"
#include "core/memory/host_memory.h"
#include "partition/cuts/child_process.h"
#include "partition/cuts/even_parts.h"
#include "partition/cuts/isolated_nodes.h"
#include "partition/cuts/metis_graph.h"
#include "partition/cuts/partitioner.h"
#include "partition/cuts/symmetric_rows.h"

namespace quadhop {
namespace {

static_assert(sizeof(idx_t) == sizeof(int32_t), "MetisGraph holds 32-bit ids");
static_assert(sizeof(real_t) == sizeof(float), "the balance vector holds floats");

absl::Status CheckSize(const PartitionProblem& problem, bool symmetric) {
  const Topology& topology = problem.topology;
  const int64_t num_arcs = MetisArcs(topology.num_arcs(), !symmetric);
  constexpr int64_t kLimit = std::numeric_limits<idx_t>::max();
  if (topology.num_nodes() >= kLimit || num_arcs >= kLimit)
    return absl::InvalidArgumentError(
        absl::StrCat("METIS takes fewer than 2^31 nodes and arcs, but the graph has ",
                     topology.num_nodes(), " nodes and ", num_arcs, " arcs",
                     symmetric ? "" : " once made undirected", ": cut by multilevel instead"));
  return CheckMemory(absl::StrCat("METIS on ", num_arcs, " arcs (multilevel needs less)"),
                     MetisBytes(topology.num_nodes(), num_arcs), problem.memory_bytes);
}

// The balances in which one of the first num_nodes nodes has weight: METIS does not like sums of
// zero.
std::vector<size_t> UsedBalances(const MetisGraph& graph, idx_t num_nodes) {
  std::vector<size_t> used;
  for (size_t b = 0; b < kBalances; ++b) {
    idx_t node = 0;
    while (node < num_nodes && graph.weight(node, b) == 0) ++node;
    if (node < num_nodes) used.push_back(b);
  }
  return used;
}

// Runs METIS on the first num_nodes nodes, which have all arcs. Returns its code; with METIS_OK,
// part_of is the part of each.
int RunMetis(MetisGraph& graph, idx_t num_nodes, idx_t parts, uint64_t seed, idx_t* part_of) {
  const std::vector<size_t> used = UsedBalances(graph, num_nodes);
  idx_t num_constraints = static_cast<idx_t>(used.size());
  std::vector<real_t> allowed;
  for (const size_t b : used) allowed.push_back(1 + static_cast<real_t>(graph.imbalances[b]));
  std::vector<idx_t> weights;
  weights.reserve(static_cast<size_t>(num_nodes) * used.size());
  for (idx_t node = 0; node < num_nodes; ++node)
    for (const size_t b : used) weights.push_back(graph.weight(node, b));
  idx_t cut = 0;
  idx_t options[METIS_NOPTIONS];
  METIS_SetDefaultOptions(options);
  options[METIS_OPTION_OBJTYPE] = METIS_OBJTYPE_CUT;
  options[METIS_OPTION_NUMBERING] = 0;
  // METIS takes -1 to mean a seed of its own: keep to the numbers from 0.
  options[METIS_OPTION_SEED] =
      static_cast<idx_t>(StreamKey(seed, RandomPurpose::kPartition, 0, 0) >> 33);
  return METIS_PartGraphKway(&num_nodes, &num_constraints, graph.xadj.data(), graph.adjncy.data(),
                             weights.data(), nullptr,
                             graph.arc_weights.empty() ? nullptr : graph.arc_weights.data(), &parts,
                             nullptr, allowed.data(), options, &cut, part_of);
}

absl::Status StatusOfMetis(int code) {
  switch (code) {
    case METIS_OK:
      return absl::OkStatus();
    case METIS_ERROR_MEMORY:
      return absl::ResourceExhaustedError("METIS ran out of memory");
    case METIS_ERROR_INPUT:
      return absl::InternalError("METIS refused its input (METIS_ERROR_INPUT)");
    default:
      // As when memory runs out in its coarsening, which METIS then says itself.
      return absl::InternalError(absl::StrCat("METIS failed with code ", code,
                                              ", perhaps for lack of memory (see what it wrote)"));
  }
}

// Parts of all nodes, or a code of METIS.
int CutLinkedNodes(MetisGraph graph, idx_t parts, uint64_t seed, absl::Span<idx_t> part_of) {
  const LinkedFirst order = PutLinkedFirst(graph);
  // With fewer nodes than parts there is nothing to cut, and METIS does not like it.
  const idx_t num_cut = order.num_linked < parts ? 0 : order.num_linked;
  std::vector<idx_t> part_of_new(part_of.size());
  if (num_cut > 0) {
    const int code = RunMetis(graph, num_cut, parts, seed, part_of_new.data());
    if (code != METIS_OK) return code;
  }
  DealOut(graph, num_cut, parts, absl::MakeSpan(part_of_new));
  for (size_t v = 0; v < part_of_new.size(); ++v)
    part_of[static_cast<size_t>(order.old_of_new[v])] = part_of_new[v];
  return METIS_OK;
}

// `make` is called in the child, so that the graph takes no memory here.
absl::StatusOr<std::vector<int32_t>> CutInChild(const std::function<MetisGraph()>& make,
                                                int64_t num_nodes, int32_t parts, uint64_t seed) {
  QH_ASSIGN_OR_RETURN(const SharedMemory result,
                      SharedMemory::Create((1 + num_nodes) * int64_t{sizeof(idx_t)}));
  auto* const code = static_cast<idx_t*>(result.data());
  idx_t* const part_of = code + 1;
  QH_RETURN_IF_ERROR(RunInChild("METIS", [&] {
    *code = CutLinkedNodes(make(), parts, seed, {part_of, static_cast<size_t>(num_nodes)});
  }));
  QH_RETURN_IF_ERROR(StatusOfMetis(*code));
  return std::vector<int32_t>(part_of, part_of + num_nodes);
}

class MetisPartitioner final : public Partitioner {
 private:
  absl::StatusOr<std::vector<int32_t>> DoCut(const PartitionProblem& problem,
                                             ThreadPool& pool) const override {
    QH_RETURN_IF_ERROR(CheckSize(problem, true));
    const bool symmetric = IsSymmetric(problem.topology, pool);
    QH_RETURN_IF_ERROR(CheckSize(problem, symmetric));
    absl::StatusOr<std::vector<int32_t>> cut =
        CutInChild([&] { return MetisGraph::Of(problem, symmetric); }, problem.topology.num_nodes(),
                   problem.parts, problem.seed);
    if (!cut.ok())
      return absl::Status(cut.status().code(), absl::StrCat(std::string(cut.status().message()),
                                                            "; multilevel needs less memory"));
    // METIS gives up the balance around hubs.
    return EvenedOut(problem, symmetric, *std::move(cut), pool);
  }
};

}  // namespace

absl::StatusOr<std::unique_ptr<Partitioner>> MakeMetisPartitioner() {
  return std::make_unique<MetisPartitioner>();
}

absl::StatusOr<std::vector<int32_t>> CutMetisGraph(MetisGraph graph, int32_t parts, uint64_t seed) {
  const auto num_nodes = int64_t{graph.num_nodes()};
  return CutInChild([&] { return std::move(graph); }, num_nodes, parts, seed);
}

}  // namespace quadhop
