// quadhop launch local|hosts|slurm ...
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cstdio>

#include "core/check.h"
#include "launch/command_line/flags.h"
#include "launch/commands/commands.h"
#include "launch/commands/launchers.h"

namespace quadhop {
namespace {

constexpr Command kLaunchers[] = {
    {"local", "on this machine", LaunchLocal},
    {"hosts", "on hosts of a hostfile, reached by ssh", LaunchHosts},
    {"slurm", "by a batch script for Slurm", LaunchSlurm},
};

void PrintHelp(HelpFormat format, const std::string& form) {
  if (format == HelpFormat::kText) {
    std::fputs(
        "Runs a command of quadhop on many ranks.\n\nUsage: quadhop launch WHERE [FLAGS] -- "
        "COMMAND [FLAGS]\n\n",
        stdout);
    for (const Command& one : kLaunchers)
      std::printf("  %-10.*s %.*s\n", static_cast<int>(one.name.size()), one.name.data(),
                  static_cast<int>(one.summary.size()), one.summary.data());
    std::fputs(
        "\nExamples:\n  quadhop launch local --help\n  quadhop launch local -n 2 -- doctor\n",
        stdout);
    return;
  }
  for (const Command& one : kLaunchers) QH_CHECK(one.run({form}).ok());
  if (format == HelpFormat::kBash) {
    std::fputs("    'launch ') words='", stdout);
    for (const Command& one : kLaunchers)
      std::printf("%.*s ", static_cast<int>(one.name.size()), one.name.data());
    std::fputs("--help' ;;\n", stdout);
  }
}

}  // namespace

absl::StatusOr<ExitCode> LaunchCommand(absl::Span<const std::string> arguments) {
  const std::string where = arguments.empty() ? "" : arguments[0];
  if (const auto format = AsksForHelp(where); format.has_value()) {
    PrintHelp(*format, where);
    return ExitCode::kDone;
  }
  std::string names;
  for (const Command& one : kLaunchers) {
    if (one.name == where) return one.run(arguments.subspan(1));
    absl::StrAppend(&names, names.empty() ? "" : ", ", one.name);
  }
  return UsageError(where.empty() ? absl::StrCat("needs WHERE: one of ", names)
                                  : absl::StrCat("WHERE is '", where, "'; allowed: ", names));
}

absl::Status CheckJob(absl::Span<const std::string> job, int64_t num_ranks, int64_t max_restarts) {
  const absl::Span<const Command> commands = Commands();
  const auto command = std::find_if(commands.begin(), commands.end(),
                                    [&](const Command& one) { return one.name == job[0]; });
  if (command == commands.end())
    return UsageError(absl::StrCat("quadhop has no command '", job[0],
                                   "' to run; after -- comes one, as in: -- train --store ..."));
  if (num_ranks > 1 && !command->on_ranks)
    return UsageError(absl::StrCat(job[0], " is the work of one process, and ", num_ranks,
                                   " ranks would each do it: start it without launch, or on one "
                                   "rank"));
  if (max_restarts > 0 && job[0] != "train")
    return UsageError(absl::StrCat("--max-restarts is ", max_restarts, " but the command is ",
                                   job[0], ": only train has checkpoints to restart from"));
  return absl::OkStatus();
}

}  // namespace quadhop
