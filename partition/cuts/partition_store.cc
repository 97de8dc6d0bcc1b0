#include "partition/cuts/partition_store.h"

#include <absl/strings/str_format.h>
#include <absl/strings/str_join.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "core/base/counted.h"
#include "core/base/status.h"
#include "core/memory/host_memory.h"
#include "core/store/store.h"
#include "partition/cuts/canonical_graph.h"
#include "partition/cuts/partitioner.h"
#include "partition/graph/node_order.h"
#include "partition/graph/renumber.h"
#include "partition/graph/statistics.h"
#include "partition/steps/provenance.h"
#include "partition/steps/store_renumbering.h"
#include "partition/steps/store_step.h"

namespace quadhop {
namespace {

// Of the splits that have training nodes, the one with the fewest. Without one nothing limits
// parts.
SplitStatistics SmallestSplit(const GraphStatistics& statistics) {
  SplitStatistics smallest;
  smallest.train = std::numeric_limits<int64_t>::max();
  for (const SplitStatistics& split : statistics.splits)
    if (split.train > 0 && split.train < smallest.train) smallest = split;
  return smallest;
}

struct PartsToMake {
  int32_t parts = 0;
  std::string why_fewer;  // than asked, if they are
};

absl::StatusOr<PartsToMake> CapParts(const Store& store, int32_t parts, ThreadPool& pool) {
  if (parts < 1)
    return absl::InvalidArgumentError(absl::StrCat("--parts is ", parts, ": at least 1 is needed"));
  QH_ASSIGN_OR_RETURN(const GraphStatistics statistics, GraphStatistics::Of(store, pool));
  const SplitStatistics split = SmallestSplit(statistics);
  const int64_t most = MostParts(statistics.nodes, split.train);
  if (parts <= most) return PartsToMake{parts, ""};
  if (most == statistics.nodes)
    return PartsToMake{static_cast<int32_t>(most), "the graph has no more nodes"};
  return PartsToMake{
      static_cast<int32_t>(most),
      absl::StrCat("split ", split.name, " has ", Counted(split.train, "training node"),
                   ", and each part keeps ", kLeastTrainPerPart, " on average")};
}

// The new number of every node of the store, from its place among the parts.
Numbering NumberByPart(const PartGroups& groups, absl::Span<const int64_t> node_of_id) {
  std::vector<int64_t> old_of_new(groups.nodes.size());
  for (size_t node = 0; node < old_of_new.size(); ++node)
    old_of_new[node] = node_of_id[static_cast<size_t>(groups.nodes[node])];
  return Numbering::FromOldOfNew(std::move(old_of_new));
}

int64_t MostOf(const std::vector<PartFigures>& parts, int64_t PartFigures::*figure) {
  int64_t most = 0;
  for (const PartFigures& part : parts) most = std::max(most, part.*figure);
  return most;
}

std::string MinMax(const std::vector<PartFigures>& parts, int64_t PartFigures::*figure) {
  const auto [least, most] =
      std::minmax_element(parts.begin(), parts.end(),
                          [=](const auto& a, const auto& b) { return a.*figure < b.*figure; });
  return absl::StrCat((*least).*figure, " to ", (*most).*figure);
}

// A store's graph, in memory, and what a cut of it may take besides.
struct GraphToCut {
  CanonicalGraph graph;
  std::vector<uint8_t> train;  // [N], or empty without a split: which are training nodes
  int64_t free_bytes;
};

absl::StatusOr<GraphToCut> ReadGraphToCut(const Store& store, int64_t allowed_bytes,
                                          ThreadPool& pool) {
  QH_ASSIGN_OR_RETURN(const int64_t memory_bytes, MemoryBudget(allowed_bytes));
  QH_ASSIGN_OR_RETURN(int64_t held_bytes, CanonicalGraph::BytesOf(store));
  held_bytes += store.num_nodes();  // which are training nodes
  QH_RETURN_IF_ERROR(CheckMemory("partition", held_bytes, memory_bytes));
  QH_ASSIGN_OR_RETURN(CanonicalGraph graph, CanonicalGraph::Of(store, pool));
  std::vector<uint8_t> train;
  if (store.manifest().split_names_size() > 0) {
    QH_ASSIGN_OR_RETURN(const absl::Span<const uint8_t> split, store.split(""));
    train = graph.TrainingNodes(split);
  }
  return GraphToCut{std::move(graph), std::move(train),
                    std::max<int64_t>(1, memory_bytes - held_bytes)};
}

struct GraphCut {
  std::string method;            // for people
  std::string why_fewer;         // parts than asked, likewise
  std::vector<int32_t> part_of;  // [N]
};

absl::StatusOr<GraphCut> CutGraph(const PartitionProblem& problem, const PartitionOptions& options,
                                  ThreadPool& pool) {
  GraphCut cut;
  cut.method = options.method;
  if (cut.method == "auto") {
    QH_ASSIGN_OR_RETURN(cut.method, ChoosePartitioner(problem));
  }
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<Partitioner> partitioner,
                      MakePartitioner(cut.method, options.ranks));
  Tell(options.on_progress, absl::StrCat("cuts by ", cut.method));
  QH_ASSIGN_OR_RETURN(cut.part_of, partitioner->Cut(problem, pool));
  if (options.num_ranks() > 1) absl::StrAppend(&cut.method, " on ", options.num_ranks(), " ranks");
  return cut;
}

// The store with its nodes ordered by part, and for locality within one.
absl::StatusOr<PartitionReport> WriteInOrder(const PartitionProblem& problem, const GraphCut& cut,
                                             const CanonicalGraph& graph,
                                             const PartitionOptions& options, StoreStep& step,
                                             ThreadPool& pool) {
  Tell(options.on_progress, "orders nodes");
  PartGroups groups = PartGroups::Of(cut.part_of, problem.parts);
  PartitionReport report{cut.method, options.parts, cut.why_fewer, problem.imbalances(), {}};
  report.quality = CutQuality::Of(graph.topology(), cut.part_of, problem.train, groups, pool);
  OrderForLocality(graph.topology(), cut.part_of, pool, groups);

  Tell(options.on_progress, "writes");
  QH_RETURN_IF_ERROR(
      RenumberStore(*step.store, NumberByPart(groups, graph.node_of_id()), *step.writer, pool));
  step.writer->manifest().mutable_partition_offsets()->Assign(groups.offsets.begin(),
                                                              groups.offsets.end());
  QH_RETURN_IF_ERROR(step.writer->Commit(
      MakeProvenance(PrepStep::kPartition, options.ToString(), report.Describe()), pool));
  return report;
}

}  // namespace

absl::StatusOr<int64_t> MostParts(const Store& store, ThreadPool& pool) {
  QH_ASSIGN_OR_RETURN(const GraphStatistics statistics, GraphStatistics::Of(store, pool));
  return MostParts(statistics.nodes, SmallestSplit(statistics).train);
}

int64_t MostParts(int64_t nodes, int64_t train) {
  return std::max<int64_t>(1, std::min(nodes, train / kLeastTrainPerPart));
}

std::string PartitionOptions::ToString() const {
  return absl::StrCat("method=", method, " parts=", parts, " seed=", seed,
                      " imbalance=", imbalance);
}

double PartitionReport::cut_share() const {
  const PartFigures total = quality.Total();
  return total.arcs == 0 ? 0
                         : static_cast<double>(total.cut_arcs) / static_cast<double>(total.arcs);
}

std::string PartitionReport::Describe() const {
  if (parts() == 0) return "";  // of a rank that only helped
  const PartFigures total = quality.Total();
  std::string text = absl::StrCat(method, ": ", Counted(parts(), "part"));
  if (!why_fewer.empty())
    absl::StrAppendFormat(&text, " (of %d asked: %s)", parts_asked, why_fewer);
  absl::StrAppendFormat(&text, "\ncut arcs: %d of %d (%.1f %%)", total.cut_arcs, total.arcs,
                        100 * cut_share());
  absl::StrAppend(&text, "\na part: ", MinMax(quality.parts, &PartFigures::nodes), " nodes, ",
                  MinMax(quality.parts, &PartFigures::arcs), " arcs, ",
                  MinMax(quality.parts, &PartFigures::train), " training nodes");
  std::vector<std::string> uneven;
  constexpr std::pair<const char*, int64_t PartFigures::*> kFigures[] = {
      {"nodes", &PartFigures::nodes},
      {"arcs", &PartFigures::arcs},
      {"training nodes", &PartFigures::train}};
  for (size_t b = 0; b < std::size(kFigures); ++b) {
    const auto& [name, figure] = kFigures[b];
    const double mean = static_cast<double>(total.*figure) / parts();
    const int64_t most = MostOf(quality.parts, figure);
    if (static_cast<double>(most) <= std::ceil((1 + imbalances[b]) * mean)) continue;
    uneven.push_back(absl::StrFormat("%.1f %% more %s than the mean (allowed: %.1f %%)",
                                     100 * (static_cast<double>(most) / mean - 1), name,
                                     100 * imbalances[b]));
  }
  if (!uneven.empty())
    absl::StrAppend(&text, "\nparts are uneven: the largest has ", absl::StrJoin(uneven, ", "));
  absl::StrAppendFormat(&text,
                        "\nhalo nodes (remote neighbours of a part): %d in all\n2-hop paths that "
                        "end in another part: about %.1f %% (sampler.method=EXACT, which counts an "
                        "end once, draws somewhat more from there)",
                        total.halo_nodes, 100 * quality.remote_share);
  return text;
}

absl::StatusOr<PartitionReport> PartitionStore(const std::string& path,
                                               const PartitionOptions& options, ThreadPool& pool) {
  if (options.method != "auto")
    QH_RETURN_IF_ERROR(MakePartitioner(options.method, options.ranks).status());
  StoreStep step;
  if (options.writes()) {
    QH_ASSIGN_OR_RETURN(step, BeginStep(path, {}, options.on_commit));
  } else {
    QH_ASSIGN_OR_RETURN(step.store, Store::Open(path));
  }
  if (!options.verified) QH_RETURN_IF_ERROR(step.store->VerifyAll(pool));
  QH_ASSIGN_OR_RETURN(const PartsToMake to_make, CapParts(*step.store, options.parts, pool));
  QH_ASSIGN_OR_RETURN(const GraphToCut input,
                      ReadGraphToCut(*step.store, options.memory_bytes, pool));
  const PartitionProblem problem{input.graph.topology(),
                                 input.train,
                                 to_make.parts,
                                 options.seed,
                                 options.imbalance,
                                 input.free_bytes,
                                 step.store->manifest().directed(),
                                 options.on_progress};
  QH_ASSIGN_OR_RETURN(GraphCut cut, CutGraph(problem, options, pool));
  cut.why_fewer = to_make.why_fewer;
  if (!options.writes()) return PartitionReport();
  return WriteInOrder(problem, cut, input.graph, options, step, pool);
}

}  // namespace quadhop
