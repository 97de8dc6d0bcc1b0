#include "launch/cluster/restarts.h"

#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "core/status.h"
#include "launch/cluster/supervisor.h"
#include "launch/command_line/flags.h"
#include "launch/run/checkpoint_folder.h"
#include "launch/run/run_folder.h"

namespace quadhop {
namespace {

// Changes whenever the run writes a line, as it does at steps and epochs.
struct Footprint {
  int64_t size_bytes = 0;
  int64_t written_ns = 0;
  bool operator==(const Footprint&) const = default;
};

Footprint FootprintOf(const std::string& run) {
  struct stat status = {};
  if (stat(RunMetricsPath(run).c_str(), &status) != 0) return {};
  return {status.st_size, int64_t{status.st_mtim.tv_sec} * 1000000000 + status.st_mtim.tv_nsec};
}

// "code 137: a rank was killed (SIGKILL)"
std::string DescribeEnd(int code) {
  if (code <= 128) return absl::StrCat("code ", code);
  const char* name = sigabbrev_np(code - 128);
  return absl::StrCat("code ", code, ": a rank was killed by ",
                      name == nullptr ? "a signal" : absl::StrCat("SIG", name));
}

bool MayBeMended(int code, bool made_a_step) {
  if (code == static_cast<int>(ExitCode::kUsage) || code == static_cast<int>(ExitCode::kResumable))
    return false;
  return code > 128 || made_a_step;
}

std::string WhereToResume(const std::string& run) {
  const std::vector<int64_t> steps = ListCheckpointSteps(run).value_or(std::vector<int64_t>());
  if (steps.empty()) return "the beginning, for there is no checkpoint yet";
  return absl::StrCat("its newest intact checkpoint (the newest is of step ", steps.back(), ")");
}

void Say(const std::string& text) {
  std::fprintf(stderr, "quadhop launch: %s\n", text.c_str());
  std::fflush(stderr);
}

}  // namespace

std::string FlagOfJob(absl::Span<const std::string> job, absl::string_view name) {
  const std::string flag = absl::StrCat("--", name), with_value = absl::StrCat(flag, "=");
  for (size_t i = 0; i < job.size(); ++i) {
    if (job[i] == flag && i + 1 < job.size()) return job[i + 1];
    if (absl::StartsWith(job[i], with_value)) return job[i].substr(with_value.size());
  }
  return "";
}

JobWords WithResume(absl::Span<const std::string> job) {
  JobWords resumed(job.begin(), job.end());
  const auto is = [](absl::string_view word, absl::string_view flag) {
    return word == flag || absl::StartsWith(word, absl::StrCat(flag, "="));
  };
  resumed.erase(std::remove_if(resumed.begin(), resumed.end(),
                               [&](const std::string& word) {
                                 return is(word, "--overwrite") || is(word, "--resume");
                               }),
                resumed.end());
  resumed.push_back("--resume");
  return resumed;
}

absl::StatusOr<ExitCode> RunWithRestarts(
    const JobWords& job, int64_t max_restarts,
    const std::function<absl::StatusOr<std::vector<std::string>>(const JobWords&)>& command_of) {
  const std::string run = FlagOfJob(job, "run");
  Supervisor supervisor;
  for (int64_t restarts = 0;; ++restarts) {
    const Footprint before = FootprintOf(run);
    QH_ASSIGN_OR_RETURN(const auto command, command_of(restarts == 0 ? job : WithResume(job)));
    QH_ASSIGN_OR_RETURN(const int code, supervisor.Run(command));
    if (code == 0) return ExitCode::kDone;
    const std::string ended = absl::StrCat("the job ended with ", DescribeEnd(code));
    const bool made_a_step = !(FootprintOf(run) == before);
    if (max_restarts == 0 || supervisor.StopRequested() || !MayBeMended(code, made_a_step)) {
      if (code > 128 || (max_restarts > 0 && code == static_cast<int>(ExitCode::kFailed)))
        Say(absl::StrCat(ended, made_a_step || code > 128
                                    ? ""
                                    : "; not restarted, for it failed before its first step"));
      return static_cast<ExitCode>(code);
    }
    if (restarts == max_restarts) {
      Say(absl::StrCat(ended, "; not restarted, for it has been ", max_restarts, " times"));
      return static_cast<ExitCode>(code);
    }
    Say(absl::StrCat(ended, "; restart ", restarts + 1, " of ", max_restarts, ", from ",
                     WhereToResume(run)));
  }
}

}  // namespace quadhop
