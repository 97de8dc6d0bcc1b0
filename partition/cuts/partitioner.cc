#include "partition/cuts/partitioner.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/status.h"
#include "core/memory/host_memory.h"
#include "partition/cuts/metis_graph.h"

namespace quadhop {
namespace {

absl::Status CheckProblem(const PartitionProblem& problem) {
  const int64_t num_nodes = problem.topology.num_nodes();
  QH_CHECK(problem.train.empty() || static_cast<int64_t>(problem.train.size()) == num_nodes);
  if (problem.parts < 1 || problem.parts > num_nodes)
    return absl::InvalidArgumentError(absl::StrCat("parts is ", problem.parts, ": a graph of ",
                                                   num_nodes, " nodes takes 1 to ", num_nodes));
  if (!(problem.imbalance >= 0.001 && problem.imbalance <= 10))
    return absl::InvalidArgumentError(
        absl::StrCat("imbalance is ", problem.imbalance, ": it must be 0.001 to 10"));
  return absl::OkStatus();
}

// Gives a part without nodes the last node of the largest.
void FillEmptyParts(int32_t parts, std::vector<int32_t>& part_of) {
  std::vector<int64_t> sizes(static_cast<size_t>(parts));
  for (const int32_t part : part_of) ++sizes[static_cast<size_t>(part)];
  for (size_t empty = 0; empty < sizes.size(); ++empty) {
    if (sizes[empty] > 0) continue;
    const auto largest = std::max_element(sizes.begin(), sizes.end());
    const auto donor = static_cast<int32_t>(largest - sizes.begin());
    *std::find(part_of.rbegin(), part_of.rend(), donor) = static_cast<int32_t>(empty);
    --*largest;
    ++sizes[empty];
  }
}

}  // namespace

absl::StatusOr<std::vector<int32_t>> Partitioner::Cut(const PartitionProblem& problem,
                                                      ThreadPool& pool) const {
  QH_RETURN_IF_ERROR(CheckProblem(problem));
  const auto num_nodes = static_cast<size_t>(problem.topology.num_nodes());
  if (problem.parts == 1) return std::vector<int32_t>(num_nodes);
  QH_ASSIGN_OR_RETURN(std::vector<int32_t> part_of, DoCut(problem, pool));
  QH_CHECK_EQ(part_of.size(), num_nodes);
  for (const int32_t part : part_of) QH_CHECK(part >= 0 && part < problem.parts);
  FillEmptyParts(problem.parts, part_of);
  return part_of;
}

absl::StatusOr<std::string> ChoosePartitioner(const PartitionProblem& problem) {
  QH_ASSIGN_OR_RETURN(const int64_t memory_bytes, MemoryBudget(problem.memory_bytes));
  const Topology& topology = problem.topology;
  return MetisFits(topology.num_nodes(), topology.num_arcs(), problem.directed, memory_bytes)
             ? "metis"
             : "multilevel";
}

absl::StatusOr<std::unique_ptr<Partitioner>> MakePartitioner(absl::string_view method,
                                                             Communicator* ranks) {
  if (method == "metis") return MakeMetisPartitioner();
  if (method == "multilevel") return MakeMultilevelPartitioner();
  if (method == "ptscotch") return MakePtscotchPartitioner(ranks);
  if (method == "stream") return MakeStreamPartitioner();
  if (method == "hash") return MakeHashPartitioner();
  return absl::InvalidArgumentError(
      absl::StrCat("partition method '", method,
                   "' is unknown: use metis, multilevel, ptscotch, stream or hash"));
}

}  // namespace quadhop
