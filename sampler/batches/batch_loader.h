// Makes batches ahead of time: sampling and gathering overlap training.
#pragma once

#include <absl/status/statusor.h>

#include <condition_variable>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "core/batch/batch.h"
#include "core/threads/thread_pool.h"
#include "sampler/batches/batch_maker.h"
#include "sampler/batches/loader_inputs.h"
#include "sampler/batches/pass.h"
#include "sampler/batches/stage_clock.h"
#include "sampler/samples/batch_sampler.h"
#include "sampler/samples/two_hop_sampler.h"

namespace quadhop {

struct LoaderOptions {
  SamplerOptions sampler;      // sampled_nodes = 0: a model without local attention; its seed also
                               // orders the epochs
  int32_t prefetch_steps = 2;  // batches made ahead in the background; 0: each is made in Next()
  int32_t num_threads = 1;     // that make batches
  int64_t run_nodes = 1;       // training nodes that stay together: see SortByEpochOrder
  // What draws the samples, which do not depend on it. For CUDA see MakeCudaBatchSampler.
  SamplerBackend sampler_backend = SamplerBackend::kHost;
  int local_rank = 0;
  // How much of a GPU's memory all topologies together may take.
  int64_t device_topology_bytes = std::numeric_limits<int64_t>::max();
  // In training, too, a node that was sampled several times for one batch node becomes one entry of
  // the batch, with a multiplicity; in evaluation it always does.
  bool multiplicities = false;
};

// The figures of a pass, up to now.
struct LoaderStats {
  StageSeconds busy_seconds{};     // spent in each stage; kIdle: waiting for a free slot
  StageSeconds exposed_seconds{};  // of those, the seconds that Start() and Next() took: not hidden
                                   // behind training
  FeatureTraffic traffic;
  double exposed_wait_seconds() const;  // over all stages
};

// Makes the batches of this rank's partitions, pass after pass. Their contents do not depend on
// prefetch_steps, num_threads or the number of ranks: taken over all ranks, a step's nodes and
// samples are always the same, and `features` has the distinct nodes of the rank's share in the
// order of their first occurrence. Buffers are used again from batch to batch.
//
// Used by one thread. May be destroyed, or started anew, at any point of a pass; but if its
// features are exchanged between ranks, all ranks take a pass to the same end, and a loader that is
// destroyed before that cancels the exchange (FeatureSource::Cancel), as after an error.
class BatchLoader {
 public:
  // Borrows what `inputs` borrows. kInvalidArgument: see LoaderInputs::Validate.
  // Other errors are those of MakeCudaBatchSampler.
  static absl::StatusOr<std::unique_ptr<BatchLoader>> Create(const LoaderInputs& inputs,
                                                             const LoaderOptions& options);
  ~BatchLoader();
  BatchLoader(const BatchLoader&) = delete;
  BatchLoader& operator=(const BatchLoader&) = delete;

  // Begins a pass; what is left of an earlier one is dropped. Errors: see PassPlanner::Plan, and
  // kFailedPrecondition if batches are left of a pass whose features are exchanged; then there is
  // no pass.
  absl::Status Start(const Pass& pass);

  // The number of steps of the pass, the same on every rank, including those before
  // pass.first_step.
  int64_t num_steps() const;

  // The next batch (with 0 nodes if this rank has none in the step), valid until the next call of
  // Next or Start; nullptr at the end of the pass. An error of the feature source ends the pass and
  // is returned again.
  absl::StatusOr<const Batch*> Next();

  // Ends the pass before its step `step`, or, if later ones have already been made, after those;
  // one that is being made is not handed out. Steps handed out stay. If features are exchanged, all
  // ranks call it with the same step, and it is beyond what any rank can have begun to exchange: at
  // least prefetch_steps after the next step to be handed out (DESIGN.md section 2, "Threads and
  // exchanges").
  void EndBefore(int64_t step);

  // The figures of this pass. Call it at the end of the pass or between batches; traffic is that of
  // the batches made.
  LoaderStats stats() const;

 private:
  BatchLoader(const LoaderInputs& inputs, const LoaderOptions& options, BatchSamplers samplers);
  absl::Status Begin(const Pass& pass);
  absl::StatusOr<const Batch*> TakeNext();
  absl::Status Make(int64_t i);
  void Note(absl::Status made);
  void Produce();
  void StopProducer();
  bool HasUnmadeExchanges() const;

  ThreadPool pool_;
  FeatureSource& features_;
  StageClock clock_;
  PassPlanner planner_;
  BatchMaker maker_;
  const int64_t prefetch_steps_;
  std::optional<PassPlan> plan_;
  std::vector<Batch> slots_;  // [prefetch_steps + 1]: batch i of a pass is in slot i mod size
  int64_t taken_ = 0;         // batches handed out in this pass
  StageSeconds exposed_seconds_{};
  StageSeconds busy_before_{};  // what the clock read when the pass began
  FeatureTraffic traffic_before_;

  std::thread producer_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  int64_t end_ = 0;       // batches of this pass to make; guarded by mutex_, as are those below
  int64_t made_ = 0;      // can be end_ + 1: see EndBefore
  int64_t released_ = 0;  // batches that the caller is done with
  bool stop_ = false;
  absl::Status error_;
  FeatureTraffic traffic_;  // of the batches made, since the source was made
};

}  // namespace quadhop
