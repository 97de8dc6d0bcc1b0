// Cutting a store: `quadhop partition`.
#pragma once

#include <absl/status/statusor.h>

#include <array>
#include <cstdint>
#include <string>

#include "comm/collectives/communicator.h"
#include "core/store/store.h"
#include "core/store/store_writer.h"
#include "core/threads/thread_pool.h"
#include "partition/cuts/cut_quality.h"
#include "partition/steps/progress.h"

namespace quadhop {

// A part has at least this many training nodes on average, by the split with the fewest.
inline constexpr int64_t kLeastTrainPerPart = 16;

// The most parts that a store can be cut into: at least 1. train: training nodes of the split with
// the fewest.
absl::StatusOr<int64_t> MostParts(const Store& store, ThreadPool& pool);
int64_t MostParts(int64_t nodes, int64_t train);

struct PartitionOptions {
  int32_t parts = 4;  // P, at least 1
  // "auto": metis, or multilevel if METIS does not fit into memory; or a method of partitioner.h.
  std::string method = "auto";
  uint64_t seed = 0;
  double imbalance = 0.05;  // allowed excess of the largest part over the mean; [0.001, 10]
  // Memory that may be taken; 0: 80 % of what is available. The cut depends neither on it nor on
  // earlier cuts, as long as memory holds the arcs between clusters of "multilevel".
  int64_t memory_bytes = 0;
  // The ranks that cut together, by "ptscotch"; null: this process is alone. Rank 0 alone writes
  // the store. Borrowed.
  Communicator* ranks = nullptr;
  CommitHook on_commit{};
  ProgressHook on_progress{};
  bool verified = false;  // the caller has checked, or just made, what is read of the store

  int32_t num_ranks() const { return ranks == nullptr ? 1 : ranks->num_ranks(); }
  bool writes() const { return ranks == nullptr || ranks->rank() == Rank(0); }

  // As in the store's provenance: "method=metis parts=4 seed=0 imbalance=0.05".
  std::string ToString() const;
};

struct PartitionReport {
  std::string method;  // "ptscotch on 2 ranks"
  int32_t parts_asked = 0;
  std::string why_fewer;               // parts were made, if they were: for people
  std::array<double, 3> imbalances{};  // allowed, of nodes, arcs and training nodes
  CutQuality quality;                  // of the parts made

  int32_t parts() const { return static_cast<int32_t>(quality.parts.size()); }
  double cut_share() const;  // of the arcs
  // Several lines for people: parts (and why fewer), cut, balance (and where parts are less even
  // than allowed), halo, remote ends of 2-hop paths.
  std::string Describe() const;
};

// Cuts the store's graph and rewrites every file with rows of nodes in partition order: within a
// part breadth-first (node_order.h), neighbours ascending in the new numbers. original_names.txt
// keeps one line per original id. Balances the training nodes of the default split; P is lowered to
// MostParts. A store that was cut before can be cut again: the result is a function of the graph
// and the options alone (hop features and encodings are permuted as they are, whatever cut they
// were made under), and of the ranks if several cut together: each rank calls this, and only rank 0
// gets a report.
// Errors: kInvalidArgument for options out of range; kUnimplemented for an unknown file in the
// store, naming it; those of Partitioner, Store and StoreWriter. The store is then unchanged.
absl::StatusOr<PartitionReport> PartitionStore(const std::string& path,
                                               const PartitionOptions& options, ThreadPool& pool);

}  // namespace quadhop
