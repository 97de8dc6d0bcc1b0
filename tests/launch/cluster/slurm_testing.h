// A training job under Slurm, for tests of its options and its script.
#pragma once

#include <string>
#include <vector>

#include "launch/cluster/slurm_options.h"

namespace quadhop {

inline const std::vector<std::string> kTrain = {"train", "--store", "stores/g.qh", "--config",
                                                "c",     "--run",   "runs/my run"};

inline SlurmOptions Options() {
  SlurmOptions options;
  options.nodes = 2;
  options.name = "products";
  return options;
}

}  // namespace quadhop
