// Cutting a graph into parts that are even and have few arcs between them.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "comm/collectives/communicator.h"
#include "core/store/topology.h"
#include "core/threads/thread_pool.h"
#include "partition/steps/progress.h"
#include "partition/steps/step_needs.h"

namespace quadhop {

// Borrows its arrays.
struct PartitionProblem {
  Topology topology;                // directed or not; no self-loops, no duplicates
  absl::Span<const uint8_t> train;  // [N], 1: training node; or empty: no node is
  int32_t parts = 1;                // P, in [1, N]
  uint64_t seed = 0;
  double imbalance = 0.05;   // how far the largest part may pass the mean, as a share; [0.001, 10]
  int64_t memory_bytes = 0;  // what the method may take; 0: 80 % of what is available
  bool directed = false;     // arcs may lack their inverses
  ProgressHook on_progress{};

  // Of training nodes. Every step waits for the rank with the most of them, so they are kept more
  // even than nodes and arcs, which cost memory only.
  double train_imbalance() const { return std::min(imbalance, 0.01); }
  // Of nodes, arcs and training nodes.
  std::array<double, 3> imbalances() const { return {imbalance, imbalance, train_imbalance()}; }
};

// A method of cutting. Thread-safe.
class Partitioner {
 public:
  virtual ~Partitioner() = default;

  // The part of each node [N], in [0, P); every part has at least one node. A function of the
  // problem alone. Parts are even in nodes, arcs and training nodes, as far as the method can: all
  // but hash even out what they find uneven (even_parts.h). Errors: kInvalidArgument for parts or
  // imbalance out of range; those of the method, named.
  absl::StatusOr<std::vector<int32_t>> Cut(const PartitionProblem& problem, ThreadPool& pool) const;

 private:
  virtual absl::StatusOr<std::vector<int32_t>> DoCut(const PartitionProblem& problem,
                                                     ThreadPool& pool) const = 0;
};

// "metis" if METIS can take the problem within its memory, else "multilevel".
absl::StatusOr<std::string> ChoosePartitioner(const PartitionProblem& problem);

// By name: "metis", "multilevel", "ptscotch", "stream" or "hash". ranks: those that cut together,
// for "ptscotch" alone; borrowed. kInvalidArgument for another name; kUnavailable for a method that
// this build lacks, saying how to get it.
absl::StatusOr<std::unique_ptr<Partitioner>> MakePartitioner(absl::string_view method,
                                                             Communicator* ranks = nullptr);

// METIS k-way (Karypis and Kumar, SISC 1999), with one balance constraint each for nodes, arcs and
// training nodes. A directed graph is cut as if undirected. Runs in a child process, whose death is
// kInternal (kResourceExhausted if killed). kInvalidArgument for graphs beyond 32-bit ids,
// kResourceExhausted if MetisBytes are not available.
absl::StatusOr<std::unique_ptr<Partitioner>> MakeMetisPartitioner();

// For graphs that METIS cannot take: nodes are put into clusters (label_propagation.h) until METIS
// can take the graph of clusters, and its cut is refined on the way back. Memory: 84 bytes a node
// and 2 MiB a thread; what is left is for arcs between clusters, which are thinned if it does not
// hold them all (contraction.h). kResourceExhausted if too few arcs are left to cut by.
std::unique_ptr<Partitioner> MakeMultilevelPartitioner();
// metis_arcs: the graph's arcs as METIS takes them (metis_graph.h).
StepNeeds MultilevelNeeds(int64_t nodes, int64_t metis_arcs, int32_t parts, int32_t num_threads);

// PT-Scotch's multilevel recursive bisection, by all ranks of this process's MPI job together: each
// calls Cut with the same problem, hands in a range of its rows, and gets the parts of all nodes.
// Used by one thread at a time, like `ranks`, which it borrows. Only `ranks` has deadlines: inside
// PT-Scotch a rank waits as long as its peers live.
// It balances one weight per node, the mean of the node's shares of all nodes, arcs and training
// nodes; what is then uneven is evened out (even_parts.h). A directed graph is cut as if
// undirected. The cut is a function of the problem and the number of ranks. kFailedPrecondition if
// `ranks` is null or not all processes of an MPI job; kInvalidArgument for graphs beyond the ids
// that PT-Scotch was built with, kResourceExhausted if memory_bytes does not hold
// kPtscotchBytesPerArc for each of a rank's share of arcs.
absl::StatusOr<std::unique_ptr<Partitioner>> MakePtscotchPartitioner(Communicator* ranks);
inline constexpr int64_t kPtscotchBytesPerArc = 200;

// Puts nodes one after another into the part with the most of their neighbours and room, five times
// over. Memory: 4 bytes a node, and as even_parts.h.
std::unique_ptr<Partitioner> MakeStreamPartitioner();

// Deals out nodes in the order of a hash: parts are even to within one node and one training node,
// and most arcs are cut. For graphs that METIS cannot take, and for comparison.
std::unique_ptr<Partitioner> MakeHashPartitioner();

}  // namespace quadhop
