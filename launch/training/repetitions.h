// One training repeated over seeds and splits, for a mean and a deviation.
//
//   RUN/seed-3/, RUN/split-NAME/, RUN/split-NAME/seed-3/   a run each (run/repeated_runs.h)
//   RUN/repetitions.json                                   the metrics of all, when all are done
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "launch/command_line/exit_code.h"
#include "launch/ranks/runtime.h"
#include "launch/training/train_job.h"

namespace quadhop {

struct RepeatOptions {
  int64_t seeds = 0;        // train.seed and the following, so many; 0: the one of the config
  bool all_splits = false;  // every split of the store; else the job's
  bool any() const { return seeds > 0 || all_splits; }
};

// The runs that `job` is repeated as, in folders of job.run; names of splits that a path cannot
// have are refused (kInvalidArgument). Errors also are the store's.
absl::StatusOr<std::vector<TrainJob>> Repetitions(const TrainJob& job,
                                                  const RepeatOptions& options);

// kFailedPrecondition if `run` holds runs that do not count together with these: see
// CheckFolderOfRuns; or one that is finished is of another config, but for its seed, another store
// or another split.
absl::Status CheckRepetitions(const std::string& run, const std::vector<TrainJob>& jobs);

// Trains them one after the other, then prints and writes what all finished runs in `run` came to,
// also those of other seeds or splits than now. kResumable as soon as one was asked to stop.
// Errors are CheckRepetitions' and Train's. Collective.
absl::StatusOr<ExitCode> TrainRepeatedly(const std::string& run, const std::vector<TrainJob>& jobs,
                                         const RankContext& context);

}  // namespace quadhop
