// PT-Scotch: Chevalier and Pellegrini, "PT-Scotch: A tool for efficient parallel graph ordering",
// Parallel Computing 34, 2008.
#define OMPI_SKIP_MPICXX 1
// clang-format off
#include <mpi.h>
#include <stdint.h>
#include <stdio.h>
#include <ptscotch.h>  // needs those before it
// clang-format on

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "comm/collectives/gather.h"
#include "comm/mpi/mpi_status.h"
#include "core/base/rng.h"
#include "core/base/status.h"
#include "core/memory/host_memory.h"
#include "partition/cuts/even_parts.h"
#include "partition/cuts/partitioner.h"
#include "partition/cuts/symmetric_rows.h"

namespace quadhop {
namespace {

// kInternal, naming the call, unless its code is 0. What PT-Scotch printed then stands above the
// error: it tells its caller no more than that.
absl::Status PtscotchStatus(int code, absl::string_view call) {
  if (code == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("PT-Scotch: ", call, " failed with code ", code));
}

// The first row before which rows have at least `wanted` nodes and arcs together.
int64_t RowAt(const Topology& topology, int64_t wanted) {
  int64_t low = 0, high = topology.num_nodes();
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (topology.indptr[static_cast<size_t>(middle)] + middle < wanted)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

// first [R + 1]: the rows [first[r], first[r + 1]) are those of rank r: at least one, since
// PT-Scotch (7.0.3) may wait for ever if a rank has none, and even in nodes and arcs together. The
// topology has at least as many nodes as there are ranks.
std::vector<int64_t> FirstRows(const Topology& topology, int num_ranks) {
  const int64_t num_nodes = topology.num_nodes(), total = num_nodes + topology.num_arcs();
  std::vector<int64_t> first = {0};
  for (int rank = 1; rank < num_ranks; ++rank)
    first.push_back(std::clamp(RowAt(topology, total / num_ranks * rank), first.back() + 1,
                               num_nodes - (num_ranks - rank)));
  first.push_back(num_nodes);
  return first;
}

// What PT-Scotch makes for a cut, freed in order.
class ScotchCut {
 public:
  ScotchCut() = default;
  ~ScotchCut() {
    if (bound_made_) SCOTCH_dgraphExit(&bound_);
    if (graph_made_) SCOTCH_dgraphExit(&graph_);
    if (context_made_) SCOTCH_contextExit(&context_);
    if (strategy_made_) SCOTCH_stratExit(&strategy_);
  }
  ScotchCut(const ScotchCut&) = delete;
  ScotchCut& operator=(const ScotchCut&) = delete;

  // The part of each row of this rank. Borrows the arrays while it lives. Collective on `comm`.
  absl::StatusOr<std::vector<SCOTCH_Num>> Run(MPI_Comm comm, const PartitionProblem& problem,
                                              int num_ranks, SymmetricRows<SCOTCH_Num>& rows,
                                              std::vector<SCOTCH_Num>& weights) {
    const auto num_rows = static_cast<SCOTCH_Num>(weights.size());
    rows.neighbors.reserve(1);  // if rows have no arcs: a null array is one that no rank has
    const auto num_arcs = static_cast<SCOTCH_Num>(rows.neighbors.size());
    QH_RETURN_IF_ERROR(PtscotchStatus(SCOTCH_stratInit(&strategy_), "SCOTCH_stratInit"));
    strategy_made_ = true;
    QH_RETURN_IF_ERROR(PtscotchStatus(SCOTCH_contextInit(&context_), "SCOTCH_contextInit"));
    context_made_ = true;
    QH_RETURN_IF_ERROR(PtscotchStatus(SCOTCH_dgraphInit(&graph_, comm), "SCOTCH_dgraphInit"));
    graph_made_ = true;
    QH_RETURN_IF_ERROR(
        PtscotchStatus(SCOTCH_dgraphBuild(&graph_, 0, num_rows, num_rows, rows.starts.data(),
                                          rows.starts.data() + 1, weights.data(), nullptr, num_arcs,
                                          num_arcs, rows.neighbors.data(), nullptr, nullptr),
                       "SCOTCH_dgraphBuild"));
    QH_RETURN_IF_ERROR(SetContext(problem.seed));
    QH_RETURN_IF_ERROR(PtscotchStatus(SCOTCH_dgraphInit(&bound_, comm), "SCOTCH_dgraphInit"));
    bound_made_ = true;
    QH_RETURN_IF_ERROR(PtscotchStatus(SCOTCH_contextBindDgraph(&context_, &graph_, &bound_),
                                      "SCOTCH_contextBindDgraph"));
    QH_RETURN_IF_ERROR(
        PtscotchStatus(SCOTCH_stratDgraphMapBuild(&strategy_, SCOTCH_STRATDEFAULT, num_ranks,
                                                  problem.parts, problem.imbalance),
                       "SCOTCH_stratDgraphMapBuild"));
    std::vector<SCOTCH_Num> part_of(weights.size());
    QH_RETURN_IF_ERROR(
        PtscotchStatus(SCOTCH_dgraphPart(&bound_, problem.parts, &strategy_, part_of.data()),
                       "SCOTCH_dgraphPart"));
    return part_of;
  }

 private:
  // Makes the cut the same each time: it has one thread, since with another number the cut is
  // another.
  absl::Status SetContext(uint64_t seed) {
    QH_RETURN_IF_ERROR(
        PtscotchStatus(SCOTCH_contextOptionSetNum(&context_, SCOTCH_OPTIONNUMDETERMINISTIC, 1),
                       "SCOTCH_contextOptionSetNum"));
    QH_RETURN_IF_ERROR(PtscotchStatus(SCOTCH_contextThreadSpawn(&context_, 1, nullptr),
                                      "SCOTCH_contextThreadSpawn"));
    QH_RETURN_IF_ERROR(
        PtscotchStatus(SCOTCH_contextRandomClone(&context_), "SCOTCH_contextRandomClone"));
    SCOTCH_contextRandomSeed(
        &context_, static_cast<SCOTCH_Num>(StreamKey(seed, RandomPurpose::kPartition, 4, 0) >> 33));
    SCOTCH_contextRandomReset(&context_);
    return absl::OkStatus();
  }

  SCOTCH_Strat strategy_;
  SCOTCH_Context context_;
  SCOTCH_Dgraph graph_, bound_;
  bool strategy_made_ = false, context_made_ = false, graph_made_ = false, bound_made_ = false;
};

// PT-Scotch balances one weight, so that is the mean of a node's shares of all nodes, all arcs and
// all training nodes; 8 units for the mean node of each, so that rounding is small.
std::vector<SCOTCH_Num> NodeWeights(const PartitionProblem& problem, int64_t begin, int64_t end) {
  constexpr double kUnits = 8;
  const Topology& topology = problem.topology;
  const auto num_nodes = static_cast<double>(topology.num_nodes());
  const double a_degree = kUnits * num_nodes / static_cast<double>(topology.num_arcs());
  const auto num_train =
      std::count_if(problem.train.begin(), problem.train.end(), [](uint8_t t) { return t != 0; });
  const double a_train = num_train == 0 ? 0 : kUnits * num_nodes / static_cast<double>(num_train);
  std::vector<SCOTCH_Num> weights;
  weights.reserve(static_cast<size_t>(end - begin));
  for (int64_t node = begin; node < end; ++node) {
    const bool train = num_train > 0 && problem.train[static_cast<size_t>(node)] != 0;
    weights.push_back(static_cast<SCOTCH_Num>(std::llround(
        kUnits + a_degree * static_cast<double>(topology.degree(node)) + (train ? a_train : 0))));
  }
  return weights;
}

absl::Status CheckSize(const PartitionProblem& problem, int num_ranks) {
  const int64_t num_nodes = problem.topology.num_nodes();
  const int64_t num_arcs = problem.topology.num_arcs();
  constexpr int64_t kLimit = std::numeric_limits<SCOTCH_Num>::max();
  constexpr int64_t kMostWeight = 32;  // of a node, on average
  if (SCOTCH_numSizeof() != static_cast<int>(sizeof(SCOTCH_Num)))
    return absl::FailedPreconditionError(
        absl::StrCat("the PT-Scotch that was loaded counts in ", SCOTCH_numSizeof(),
                     " bytes, that of the build in ", sizeof(SCOTCH_Num),
                     ": LD_LIBRARY_PATH must not lead to another"));
  if (num_nodes >= kLimit / kMostWeight || num_arcs >= kLimit / 2)
    return absl::InvalidArgumentError(absl::StrCat(
        "this build's PT-Scotch takes fewer than ", kLimit / kMostWeight, " nodes and ", kLimit / 2,
        " arcs, but the graph has ", num_nodes, " nodes and ", num_arcs,
        " arcs: build with its 64-bit variant, or cut by multilevel"));
  return CheckMemory(absl::StrCat("PT-Scotch on ", num_arcs, " arcs, on each of ", num_ranks,
                                  " ranks (more ranks on more hosts take less each)"),
                     num_arcs / num_ranks * kPtscotchBytesPerArc, problem.memory_bytes);
}

// See ScotchCut::Run. The communicator is freed after a success only: freeing is collective, and
// after an error a peer may be gone.
absl::StatusOr<std::vector<SCOTCH_Num>> PartsOfRows(const PartitionProblem& problem, int num_ranks,
                                                    SymmetricRows<SCOTCH_Num>& rows,
                                                    std::vector<SCOTCH_Num>& weights) {
  MPI_Comm comm = MPI_COMM_NULL;
  QH_RETURN_IF_ERROR(MpiStatus(MPI_Comm_dup(MPI_COMM_WORLD, &comm), "MPI_Comm_dup"));
  absl::StatusOr<std::vector<SCOTCH_Num>> parts =
      ScotchCut().Run(comm, problem, num_ranks, rows, weights);
  if (parts.ok()) QH_RETURN_IF_ERROR(MpiStatus(MPI_Comm_free(&comm), "MPI_Comm_free"));
  return parts;
}

class PtscotchPartitioner final : public Partitioner {
 public:
  explicit PtscotchPartitioner(Communicator& ranks) : ranks_(ranks) {}

 private:
  absl::StatusOr<std::vector<int32_t>> DoCut(const PartitionProblem& problem,
                                             ThreadPool& pool) const override {
    const Topology& topology = problem.topology;
    const int32_t num_ranks = ranks_.num_ranks();
    if (topology.num_arcs() == 0 || topology.num_nodes() < num_ranks)
      return MakeHashPartitioner()->Cut(problem, pool);  // nothing to cut, or too little
    QH_RETURN_IF_ERROR(CheckSize(problem, num_ranks));
    const std::vector<int64_t> first = FirstRows(topology, num_ranks);
    const auto rank = static_cast<size_t>(ranks_.rank().value());
    const int64_t begin = first[rank], end = first[rank + 1];
    QH_ASSIGN_OR_RETURN(
        const std::vector<uint64_t> hashes,
        GatherOne(ranks_, "asymmetry of rows", AsymmetryHash(topology, begin, end, pool)));
    const bool symmetric = std::accumulate(hashes.begin(), hashes.end(), uint64_t{0}) == 0;
    SymmetricRows<SCOTCH_Num> rows = SymmetricRowsOf<SCOTCH_Num>(topology, symmetric, begin, end);
    std::vector<SCOTCH_Num> weights = NodeWeights(problem, begin, end);
    QH_ASSIGN_OR_RETURN(const std::vector<SCOTCH_Num> parts,
                        PartsOfRows(problem, num_ranks, rows, weights));
    const std::vector<int32_t> own(parts.begin(), parts.end());
    QH_ASSIGN_OR_RETURN(std::vector<int32_t> part_of,
                        GatherOverRanks<int32_t>(ranks_, "parts of nodes", own));
    return EvenedOut(problem, symmetric, std::move(part_of), pool);  // the same on every rank
  }

  Communicator& ranks_;
};

// The number of processes of the MPI job; 0 if MPI is not initialised.
absl::StatusOr<int> NumProcesses() {
  int initialized = 0, finalized = 0, processes = 0;
  QH_RETURN_IF_ERROR(MpiStatus(MPI_Initialized(&initialized), "MPI_Initialized"));
  QH_RETURN_IF_ERROR(MpiStatus(MPI_Finalized(&finalized), "MPI_Finalized"));
  if (initialized != 0 && finalized == 0)
    QH_RETURN_IF_ERROR(MpiStatus(MPI_Comm_size(MPI_COMM_WORLD, &processes), "MPI_Comm_size"));
  return processes;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Partitioner>> MakePtscotchPartitioner(Communicator* ranks) {
  QH_ASSIGN_OR_RETURN(const int processes, NumProcesses());
  if (ranks == nullptr || ranks->num_ranks() != processes)
    return absl::FailedPreconditionError(
        "PT-Scotch works on the ranks of an MPI job: start it as `mpirun -n RANKS quadhop "
        "partition --method ptscotch ...`");
  return std::make_unique<PtscotchPartitioner>(*ranks);
}

}  // namespace quadhop
