// One training repeated over seeds and splits, for a mean and a deviation.
//
//   RUN/seed-3/, RUN/split-NAME/, RUN/split-NAME/seed-3/   a run each (run/repeated_runs.h)
//   RUN/repetitions.json                                   the metrics of all, when all are done
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/store/store.h"
#include "core/threads/thread_pool.h"
#include "launch/command_line/exit_code.h"
#include "launch/ranks/runtime.h"
#include "launch/training/train_job.h"

namespace quadhop {

struct RepeatOptions {
  int64_t seeds = 0;        // this many, from train.seed on; 0: only that of the config
  bool all_splits = false;  // every split of the store; else the job's
  bool any() const { return seeds > 0 || all_splits; }
};

// The runs that `job` is repeated as, in folders of job.run. kInvalidArgument if the name of a
// split cannot be part of a path. Other errors are the store's.
absl::StatusOr<std::vector<TrainJob>> Repetitions(const TrainJob& job,
                                                  const RepeatOptions& options);

// kFailedPrecondition if `run` holds runs that cannot count together with these: see
// CheckFolderOfRuns; or if a finished one has another config (apart from the seed), another store
// or another split, began from other weights, or was to be trained for more epochs.
absl::Status CheckRepetitions(const std::string& run, const std::vector<TrainJob>& jobs);

// kFailedPrecondition if one of their splits cannot be trained on (CheckTrainable).
absl::Status CheckSplits(const Store& store, const std::vector<TrainJob>& jobs, ThreadPool& pool);

// Trains them one after the other, then prints and writes the results of all finished runs in
// `run`, including those with other seeds or splits than now. kResumable as soon as one was asked
// to stop. Errors are CheckRepetitions', CheckSplits' and Train's. Collective.
absl::StatusOr<ExitCode> TrainRepeatedly(const std::string& run, const std::vector<TrainJob>& jobs,
                                         const RankContext& context);

}  // namespace quadhop
