#include "launch/cluster/restarts.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "core/base/counted.h"
#include "core/base/status.h"
#include "launch/cluster/supervisor.h"
#include "launch/run/checkpoint_folder.h"
#include "launch/run/repeated_runs.h"
#include "launch/run/steps_logged.h"

namespace quadhop {
namespace {

// How many steps the runs have done, as far as their folders show: each up to its newest
// checkpoint, or to the last step in its metrics. The script for Slurm counts so, too, by
// the link to the newest checkpoint (steps_done).
int64_t StepsDone(const std::string& run) {
  int64_t all = 0;
  for (const std::string& one : RunsOf(run)) {
    int64_t done = StepsLogged(one);
    for (const int64_t step : ListCheckpointSteps(one).value_or(std::vector<int64_t>()))
      done = std::max(done, step);
    all += done;
  }
  return all;
}

// "code 137: a rank was killed by SIGKILL"
std::string DescribeEnd(int code) {
  if (code <= 128) return absl::StrCat("code ", code);
  const char* name = sigabbrev_np(code - 128);
  return absl::StrCat("code ", code, ": a rank was killed by ",
                      name == nullptr ? "a signal" : absl::StrCat("SIG", name));
}

bool MayBeMended(int code, bool got_further) {
  if (code == static_cast<int>(ExitCode::kUsage) || code == static_cast<int>(ExitCode::kResumable))
    return false;
  return code > 128 || got_further;
}

std::string WhereToResume(const std::string& run) {
  const std::vector<std::string> runs = RunsOf(run);
  if (runs.size() > 1)
    return absl::StrCat("where its ", Counted(static_cast<int64_t>(runs.size()), "run"), " stand");
  const std::vector<int64_t> steps =
      ListCheckpointSteps(runs.front()).value_or(std::vector<int64_t>());
  if (steps.empty()) return "the beginning, because there is no checkpoint yet";
  return absl::StrCat("its newest intact checkpoint (the newest is of step ", steps.back(), ")");
}

void Say(const std::string& text) {
  std::fprintf(stderr, "quadhop launch: %s\n", text.c_str());
  std::fflush(stderr);
}

}  // namespace

absl::StatusOr<ExitCode> RunWithRestarts(
    const JobWords& job, int64_t max_restarts,
    const std::function<absl::StatusOr<std::vector<std::string>>(const JobWords&)>& command_of) {
  const std::string run = FlagOfJob(job, "run");
  const auto steps_done = [&] { return IsTraining(job) ? StepsDone(run) : 0; };
  Supervisor supervisor;
  JobWords words = job;
  for (int64_t restarts = 0;; ++restarts) {
    const bool starts_over = restarts == 0 && HasSwitch(job, "overwrite");
    const int64_t before = steps_done();
    QH_ASSIGN_OR_RETURN(const auto command, command_of(words));
    QH_ASSIGN_OR_RETURN(const int code, supervisor.Run(command));
    if (code == 0) return ExitCode::kDone;
    const int64_t after = steps_done();
    if (supervisor.StopRequested() && code == 128 + SIGUSR1) {
      Say(IsTraining(job) && after == before ? "stopped before its first step, as asked"
                                             : "stopped, as asked");
      return IsTraining(job) ? ExitCode::kResumable : static_cast<ExitCode>(code);
    }
    const std::string ended = absl::StrCat("the job ended with ", DescribeEnd(code));
    const bool got_further = starts_over ? after > 0 && after != before : after > before;
    if (max_restarts == 0 || supervisor.StopRequested() || !MayBeMended(code, got_further)) {
      if (code > 128 || (max_restarts > 0 && code == static_cast<int>(ExitCode::kFailed)))
        Say(absl::StrCat(ended, got_further || code > 128
                                    ? ""
                                    : "; not restarted, because it got no further than before"));
      return static_cast<ExitCode>(code);
    }
    if (restarts == max_restarts) {
      Say(absl::StrCat(ended, "; not restarted, because it has already been restarted ",
                       Counted(max_restarts, "time")));
      return static_cast<ExitCode>(code);
    }
    Say(absl::StrCat(ended, "; restart ", restarts + 1, " of ", max_restarts, ", from ",
                     WhereToResume(run)));
    words = WithResume(words);
    // The run has its own by now, whatever becomes of the file.
    if (got_further) words = WithoutFlag(words, "config");
  }
}

}  // namespace quadhop
