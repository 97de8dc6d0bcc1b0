// Flags shared by the commands on models.
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

// --samples, of each node. Default: *samples.
void AddSamplesFlag(Flags* flags, int64_t* samples);

// Takes from a run's config how long to wait for ranks and how to detect lost ones.
void TakeDeadlines(const TrainConfig& config, RanksOptions* ranks);

// The targets of eval's, predict's and export's flags. Must outlive Parse.
struct CheckpointFlags {
  CheckpointJob job;
  std::string checkpoint;
  bool finds_store = true;  // if none is named, that of the run

  void AddRun(Flags* flags);
  void AddStore(Flags* flags);
  // Flags::Parse; also gives the job the run's config, its store if none was named, and the path of
  // its checkpoint: the named one, else the best, or the latest if there is no best, which is
  // reported.
  absl::StatusOr<bool> Parse(Flags* flags, absl::Span<const std::string> arguments);
};

}  // namespace quadhop
