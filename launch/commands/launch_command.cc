// quadhop launch local|hosts|slurm ...
#include <absl/strings/str_cat.h>

#include "launch/command_line/flags.h"
#include "launch/commands/command_group.h"
#include "launch/commands/commands.h"
#include "launch/commands/launchers.h"

namespace quadhop {
namespace {

constexpr Command kLaunchers[] = {
    {"local", "on this machine", LaunchLocal},
    {"hosts", "on hosts of a hostfile, reached by ssh", LaunchHosts},
    {"slurm", "by a batch script for Slurm", LaunchSlurm},
};

}  // namespace

absl::StatusOr<ExitCode> LaunchCommand(absl::Span<const std::string> arguments) {
  return RunGroup({.name = "launch",
                   .which = "WHERE",
                   .summary = "Runs a command of quadhop on many ranks.",
                   .usage = "[FLAGS] -- COMMAND [FLAGS]",
                   .example = "  quadhop launch local --help\n"
                              "  quadhop launch local -n 2 -- doctor\n",
                   .members = kLaunchers},
                  arguments);
}

void AddJob(Flags* flags, JobWords* job) {
  flags->Rest("COMMAND", job, "a command of quadhop, with its flags").Required();
}

void AddMaxRestarts(Flags* flags, int64_t* max_restarts) {
  flags->Int("max-restarts", max_restarts, int64_t{0}, int64_t{1000000},
             "train: restart from the newest checkpoint at most N times, after a rank was killed, "
             "or after a failure if the run had made progress");
}

absl::Status CheckJob(absl::Span<const std::string> job, int64_t num_ranks, int64_t max_restarts) {
  const Command* const command = FindCommand(job[0]);
  if (command == nullptr)
    return UsageError(absl::StrCat("quadhop has no command '", job[0],
                                   "' to run; give one after --, as in: -- train --store ..."));
  if (num_ranks > 1 && !command->on_ranks)
    return UsageError(
        absl::StrCat(job[0], " is the work of one process, and ", num_ranks,
                     " ranks would each repeat it: start it without launch, or on one rank"));
  if (max_restarts > 0 && !IsTraining(job))
    return UsageError(absl::StrCat("--max-restarts is ", max_restarts, " but the command is ",
                                   job[0], ": only train has checkpoints to restart from"));
  return absl::OkStatus();
}

}  // namespace quadhop
