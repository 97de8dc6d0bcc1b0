// The program's command line, run in the test's own process.
#pragma once

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

}  // namespace quadhop
