// What train does once its arguments are read: on every rank, collectively.
#pragma once

#include <absl/status/statusor.h>

#include <string>

#include "launch/command_line/command.h"
#include "launch/config.pb.h"
#include "launch/display/train_display.h"
#include "launch/ranks/runtime.h"
#include "launch/ranks/stop_signals.h"
#include "launch/run/run_folder.h"

namespace quadhop {

struct TrainJob {
  std::string store;
  std::string run;
  std::string split;  // "": the store's default
  std::string init;   // weights to start from, safetensors; "": fresh ones
  RunFolder::Start start = RunFolder::Start::kNew;
  Config config;                      // complete and in range
  const StopSignals* stop = nullptr;  // who asks for a stop; nullptr: nobody
  LogStyle log = LogStyle::kText;
  std::string repetition;  // which of several runs this is, "split-a/seed-3"; "": the only one
};

// kDone when the run is finished; kResumable when it was asked to stop and wrote a checkpoint, or
// began nothing while another process had its folder. An error on any rank is an error of the job:
// RunRanks ends the others.
absl::StatusOr<ExitCode> Train(const TrainJob& job, const RankContext& context);

}  // namespace quadhop
