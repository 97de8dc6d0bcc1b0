// What train is asked for once its arguments are read.
#pragma once

#include <string>

#include "launch/config.pb.h"
#include "launch/display/train_display.h"
#include "launch/ranks/stop_signals.h"
#include "launch/run/run_folder.h"

namespace quadhop {

struct TrainJob {
  std::string store;
  std::string run;
  std::string split;  // "": the store's default
  std::string init;   // weights to start from, safetensors; "": fresh ones
  RunFolder::Start start = RunFolder::Start::kNew;
  Config config;                // complete and in range
  StopSignals* stop = nullptr;  // who asks for a stop; nullptr: nobody
  LogStyle log = LogStyle::kText;
  std::string repetition;  // which of several runs this is, "split-a/seed-3"; "": the only one
};

}  // namespace quadhop
