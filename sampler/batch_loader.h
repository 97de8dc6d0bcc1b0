// Batches ahead of time: sampling and gathering overlap training.
#pragma once

#include <absl/status/statusor.h>

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "core/batch.h"
#include "core/thread_pool.h"
#include "sampler/batch_maker.h"
#include "sampler/loader_inputs.h"
#include "sampler/pass.h"
#include "sampler/two_hop_sampler.h"

namespace quadhop {

struct LoaderOptions {
  SamplerOptions sampler;      // sampled_nodes = 0: a model without local attention; its seed also
                               // orders the epochs
  int32_t prefetch_steps = 2;  // batches made ahead in the background; 0: each is made in Next()
  int32_t num_threads = 1;     // that make batches
};

// Makes the batches of this rank's partitions, pass after pass. What they hold does not depend on
// prefetch_steps, num_threads or the number of ranks: over ranks, a step's nodes and samples are
// always the same, and `features` has the distinct nodes of the rank's share in the order of their
// first occurrence. Buffers are used again from batch to batch.
//
// Used by one thread. May be destroyed, or started anew, at any point of a pass.
class BatchLoader {
 public:
  // Borrows what `inputs` borrows. kInvalidArgument: see LoaderInputs::Validate.
  static absl::StatusOr<std::unique_ptr<BatchLoader>> Create(const LoaderInputs& inputs,
                                                             const LoaderOptions& options);
  ~BatchLoader();
  BatchLoader(const BatchLoader&) = delete;
  BatchLoader& operator=(const BatchLoader&) = delete;

  // Begins a pass; what is left of an earlier one is dropped. Errors: see PassPlanner::Plan; then
  // there is no pass.
  absl::Status Start(const Pass& pass);

  // Of the pass, on every rank; pass.first_step counted in.
  int64_t num_steps() const;

  // The next batch (with 0 nodes where this rank has none in the step), valid until the next call
  // of Next or Start; nullptr at the end of the pass. An error of the feature source ends the pass
  // and is returned again.
  absl::StatusOr<const Batch*> Next();

  // Seconds that Start() and Next() have taken in this pass: time not hidden behind training.
  double exposed_wait_seconds() const { return exposed_wait_seconds_; }

 private:
  BatchLoader(const LoaderInputs& inputs, const LoaderOptions& options);
  absl::StatusOr<const Batch*> TakeNext();
  void Produce();
  void StopProducer();

  ThreadPool pool_;
  PassPlanner planner_;
  BatchMaker maker_;
  const int64_t prefetch_steps_;
  std::optional<PassPlan> plan_;
  std::vector<Batch> slots_;  // [prefetch_steps + 1]: batch i of a pass is in slot i mod size
  double exposed_wait_seconds_ = 0;
  int64_t taken_ = 0;  // batches handed out in this pass

  std::thread producer_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int64_t made_ = 0;      // guarded by mutex_, as are those below
  int64_t released_ = 0;  // batches that the caller is done with
  bool stop_ = false;
  absl::Status error_;
};

}  // namespace quadhop
