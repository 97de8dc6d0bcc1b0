// Makes one batch: nodes, samples, distinct rows, features, encodings, labels.
#pragma once

#include <absl/status/status.h>
#include <absl/types/span.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "core/batch/batch.h"
#include "core/threads/thread_pool.h"
#include "sampler/batches/loader_inputs.h"
#include "sampler/batches/pass.h"
#include "sampler/batches/stage_clock.h"
#include "sampler/features/unique_rows.h"
#include "sampler/samples/batch_sampler.h"
#include "sampler/samples/repeat_merger.h"

namespace quadhop {

// What draws the samples of a batch.
struct BatchSamplers {
  std::unique_ptr<BatchSampler> all;       // nullptr if K = 0
  std::unique_ptr<BatchSampler> training;  // for training passes; nullptr: they use `all`
};

// A batch is a pure function of (inputs, options, pass, step): the pool only decides how fast. One
// Make at a time.
class BatchMaker {
 public:
  // sampled_nodes: K, 0: no samples. Repeated samples of a node are merged in evaluation and, with
  // merge_in_training, in training. Borrows what `inputs` borrows, the pool, and the clock, which
  // it tells the stage that Make is at.
  BatchMaker(const LoaderInputs& inputs, int32_t sampled_nodes, BatchSamplers samplers,
             bool merge_in_training, ThreadPool& pool, StageClock& clock);

  // Fills `batch` with this rank's share of step t of the pass; memory of an earlier batch is used
  // again. Errors are the sampler's and the feature source's; then the batch is unspecified.
  absl::Status Make(const PassPlan& plan, int64_t t, Batch& batch);

 private:
  void TakeNodes(const PassPlan& plan, int64_t slice, Batch& batch) const;
  absl::Status SampleNodes(BatchSampler& sampler, int64_t epoch, Batch& batch);
  absl::Status GatherFeatures(Batch& batch);
  void CopyEncodings(Batch& batch) const;
  void CopyLabels(Batch& batch) const;

  LoaderInputs inputs_;
  int32_t sampled_nodes_;  // K
  BatchSamplers samplers_;
  bool merge_in_training_;
  ThreadPool& pool_;
  StageClock& clock_;
  std::vector<GlobalId> sampled_;  // [B, K]
  std::vector<GlobalId> unique_;   // [U]
  UniqueRows rows_;
  RepeatMerger merger_;
};

}  // namespace quadhop
