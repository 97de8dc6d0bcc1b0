// What eval, predict and export are applied to.
#pragma once

#include <string>

#include "launch/config.pb.h"

namespace quadhop {

// A checkpoint of a run, and the store it is applied to.
struct CheckpointJob {
  std::string run;
  std::string checkpoint;  // its path
  std::string store;
  Config config;  // of the run
};

}  // namespace quadhop
