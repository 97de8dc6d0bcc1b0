// Where the files of a run stand in its folder, for every rank and for the commands that read it.
// run_folder.h says what they hold.
#pragma once

#include <absl/strings/string_view.h>

#include <string>

#include "core/files/run_mark.h"

namespace quadhop {

std::string RunConfigPath(const std::string& run);
std::string RunStorePath(const std::string& run);  // of kRunMark
std::string RunTrainedOnPath(const std::string& run);
std::string RunSplitPath(const std::string& run);
std::string RunInitPath(const std::string& run);
std::string RunLockPath(const std::string& run);
std::string RunMetricsPath(const std::string& run);
std::string RunSummaryPath(const std::string& run);
std::string RunCheckpointsPath(const std::string& run);
std::string RunBadStepPath(const std::string& run);
std::string RunEvaluationPath(const std::string& run);
std::string RunMachinePath(const std::string& run);
std::string RunAlivePath(const std::string& run);

bool IsRunFolder(const std::string& folder);
// Whether this is the name of a file that a run makes before IsRunFolder is true of its folder.
bool IsMadeBeforehand(absl::string_view name);

}  // namespace quadhop
