#include "launch/run/run_paths.h"

#include <absl/strings/str_cat.h>

#include "core/files/file.h"

namespace quadhop {
namespace {

constexpr char kLock[] = "lock";

}  // namespace

std::string RunConfigPath(const std::string& run) { return run + "/config.textproto"; }
std::string RunStorePath(const std::string& run) { return absl::StrCat(run, "/", kRunMark); }
std::string RunTrainedOnPath(const std::string& run) { return run + "/trained_on.textproto"; }
std::string RunSplitPath(const std::string& run) { return run + "/split.txt"; }
std::string RunInitPath(const std::string& run) { return run + "/init.txt"; }
std::string RunLockPath(const std::string& run) { return absl::StrCat(run, "/", kLock); }
std::string RunMetricsPath(const std::string& run) { return run + "/metrics.jsonl"; }
std::string RunSummaryPath(const std::string& run) { return run + "/summary.json"; }
std::string RunCheckpointsPath(const std::string& run) { return run + "/checkpoints"; }
std::string RunBadStepPath(const std::string& run) { return run + "/bad_step.json"; }
std::string RunEvaluationPath(const std::string& run) { return run + "/evaluation.json"; }
std::string RunMachinePath(const std::string& run) { return run + "/machine.json"; }
std::string RunAlivePath(const std::string& run) { return run + "/alive.json"; }

bool IsRunFolder(const std::string& folder) { return FileExists(RunStorePath(folder)); }

bool IsMadeBeforehand(absl::string_view name) {
  return name == kLock || name == absl::StrCat(kRunMark, ".tmp");
}

}  // namespace quadhop
