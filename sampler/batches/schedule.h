// Which nodes of each partition a step visits: DESIGN.md section 1, promise 2.
#pragma once

#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <cstdint>
#include <vector>

#include "core/base/ids.h"
#include "core/threads/thread_pool.h"

namespace quadhop {

// The steps of one pass over n_p nodes of each partition p. Every rank makes the same schedule from
// the same counts, so all have the same number of steps; each node is visited once. Immutable,
// thread-safe.
//
// With T steps, step t visits places [floor((t n_p + o_p) / T), floor(((t+1) n_p + o_p) / T)) of
// partition p's order, o_p = (n_0 + ... + n_{p-1}) mod T: partitions of equal size take their
// larger slices in turn, so that global batches differ by at most 1. Whatever the sizes, a batch is
// less than P from the mean (measured: about the root of P).
class BatchSchedule {
 public:
  // num_nodes [P], zeros allowed. batch: nodes wanted per step over all partitions. T = ceil(sum /
  // batch), lowered until every step has at least least_step_nodes: 2 in training (a batch norm of
  // one node has no variance), 1 in evaluation. No nodes: no steps. kInvalidArgument if batch <
  // least_step_nodes, if there are nodes but fewer than that, or if there would be 2^31 steps or
  // more.
  static absl::StatusOr<BatchSchedule> Create(absl::Span<const int64_t> num_nodes, int64_t batch,
                                              int64_t least_step_nodes);

  int64_t num_steps() const { return num_steps_; }
  int64_t num_nodes() const { return total_; }
  // Places of partition p's order that step t visits.
  BlockRange Slice(PartitionId p, int64_t t) const;
  // Nodes of step t over all partitions.
  int64_t StepNodes(int64_t t) const;

 private:
  struct Share {
    int64_t quotient = 0;  // n_p = quotient * T + remainder
    int64_t remainder = 0;
    int64_t offset = 0;  // o_p
  };
  BatchSchedule() = default;
  void SetSteps(absl::Span<const int64_t> num_nodes, int64_t num_steps);
  bool EveryStepHas(int64_t least) const;
  int64_t Boundary(const Share& share, int64_t t) const;

  int64_t total_ = 0;
  int64_t num_steps_ = 0;
  std::vector<Share> shares_;  // [P]
};

// Puts the training nodes of one partition into the order of an epoch: by a hash keyed with (seed,
// epoch, partition). With run_nodes above 1, runs of that many consecutive nodes (in ascending
// order, where neighbours are near) stay together and are shuffled as wholes; where runs begin
// changes with the epoch. A pure function of its arguments, and of the set of nodes.
void SortByEpochOrder(uint64_t seed, int64_t epoch, PartitionId partition, int64_t run_nodes,
                      std::vector<GlobalId>& nodes);

}  // namespace quadhop
