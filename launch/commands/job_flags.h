// Flags that the commands on models share.
#pragma once

#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <string>

#include "launch/command_line/flags.h"
#include "launch/ranks/runtime.h"
#include "launch/results/checkpoint_job.h"

namespace quadhop {

// --threads and --ranks-in-process.
void AddRanksFlags(Flags* flags, RanksOptions* ranks);

// What the config of a run says of waiting for ranks and of finding lost ones.
void TakeDeadlines(const TrainConfig& config, RanksOptions* ranks);

// The targets of eval's, predict's and export's flags. Must outlive Parse.
struct CheckpointFlags {
  CheckpointJob job;
  std::string checkpoint;

  void AddRun(Flags* flags);
  void AddStore(Flags* flags);
  // Flags::Parse, and then the job has the run's config, its store if none was named, and the path
  // of its checkpoint: of none named the best, or if there is none, which is said, the latest.
  absl::StatusOr<bool> Parse(Flags* flags, absl::Span<const std::string> arguments);
};

}  // namespace quadhop
