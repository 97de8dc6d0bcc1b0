// One pass over nodes of the graph: a training epoch or an evaluation.
#pragma once

#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <cstdint>
#include <vector>

#include "core/base/ids.h"
#include "core/threads/thread_pool.h"
#include "sampler/batches/loader_inputs.h"
#include "sampler/batches/schedule.h"

namespace quadhop {

// The fewest nodes of a training step: a batch norm cannot normalise a single one.
inline constexpr int64_t kLeastTrainingNodes = 2;

struct Pass {
  // kTrain: labelled training nodes in the order of the epoch. kEvaluate: labelled nodes of
  // `parts`. kAllNodes: every node, labelled or not; kChosen: those of `nodes`. The latter three in
  // ascending order.
  enum class Kind { kTrain, kEvaluate, kAllNodes, kChosen };
  Kind kind = Kind::kTrain;
  int64_t batch = 512;     // nodes per step over all partitions
  int64_t epoch = 1;       // for kTrain, from 1
  int64_t first_step = 0;  // for kTrain: steps of the pass to leave out, when resuming within it
  int64_t samples = 1;     // for the others: of each node, in consecutive steps, as those of epochs
                           // 0, -1, ..., 1 - samples
  std::vector<SplitPart> parts = {};  // for kEvaluate
  std::vector<GlobalId> nodes = {};   // for kChosen: of all ranks, ascending, each once
};

// What a rank needs to know to make the batches of a pass.
struct PassPlan {
  Pass pass;
  BatchSchedule schedule;
  std::vector<std::vector<GlobalId>>
      orders;  // [Pl]: the nodes of each own partition, in the order of visit

  int64_t num_steps() const { return schedule.num_steps() * pass.samples; }
};

// Plans passes over fixed inputs. Thread-safe after construction.
class PassPlanner {
 public:
  // Counts the labelled nodes if that has not been done. run_nodes: see SortByEpochOrder. Borrows
  // what `inputs` borrows.
  PassPlanner(const LoaderInputs& inputs, uint64_t seed, int64_t run_nodes, ThreadPool& pool);

  // kInvalidArgument: see BatchSchedule::Create; also if training has no labelled node or is to
  // draw several samples, samples is below 1, or first_step is not in [0, steps].
  absl::StatusOr<PassPlan> Plan(const Pass& pass, ThreadPool& pool) const;

 private:
  // The nodes of a kChosen pass in partition p.
  absl::Span<const GlobalId> ChosenOf(const Pass& pass, size_t p) const;
  bool Visits(const Pass& pass, int64_t node) const;
  std::vector<int64_t> Counts(const Pass& pass) const;

  LoaderInputs inputs_;
  uint64_t seed_;
  int64_t run_nodes_;
};

}  // namespace quadhop
