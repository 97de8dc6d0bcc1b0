// The program's command line, run in the test's own process.
#pragma once

#include <absl/strings/str_cat.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "launch/commands/commands.h"

namespace quadhop {

// How a command ended, and what it printed.
struct Outcome {
  ExitCode code;
  std::string out;
  std::string err;
};

inline Outcome Quadhop(const std::vector<std::string>& arguments) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const ExitCode code = RunCommandLine(arguments);
  return {code, testing::internal::GetCapturedStdout(), testing::internal::GetCapturedStderr()};
}

// A folder to import: a graph of degree 6 with 5 features and 4 classes.
inline void SynthGraph(const std::string& folder, int nodes, int seed = 0) {
  const Outcome synth =
      Quadhop({"synth", "--nodes", absl::StrCat(nodes), "--degree", "6", "--features", "5",
               "--classes", "4", "--seed", absl::StrCat(seed), "--out", folder});
  ASSERT_EQ(synth.code, ExitCode::kDone) << synth.err;
}

// `train` of a small model on a store of WriteTinyStore, on one thread.
inline Outcome TrainTiny(const std::string& store, const std::string& run, int epochs,
                         const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments = {"train",     "--store", store,   "--config", "quickstart",
                                        "--threads", "1",       "--run", run};
  arguments.insert(arguments.end(), {"--set", absl::StrCat("train.epochs=", epochs)});
  for (const char* setting :
       {"train.batch=16", "model.width=8", "model.centroids=2", "sampler.sampled_nodes=4"})
    arguments.insert(arguments.end(), {"--set", setting});
  arguments.insert(arguments.end(), more.begin(), more.end());
  return Quadhop(arguments);
}

}  // namespace quadhop
