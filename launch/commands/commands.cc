#include "launch/commands/commands.h"

#include <absl/time/clock.h>
#include <absl/time/time.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "comm/mpi/mpi_launcher.h"
#include "core/base/status.h"
#include "launch/command_line/flags.h"
#include "launch/command_line/nearest.h"
#include "launch/command_line/version.h"
#include "launch/commands/command_group.h"
#include "launch/commands/command_help.h"
#include "launch/ranks/runtime.h"

namespace quadhop {
namespace {

constexpr absl::Duration kTimeForRank0 = absl::Milliseconds(300);

ExitCode Report(const absl::Status& status, const std::string& name) {
  const std::string member = MemberOf(status);
  const std::string command = member.empty() ? name : absl::StrCat(name, " ", member);
  const bool wrong_usage = IsUsageError(status);
  const ExitCode code = wrong_usage ? ExitCode::kUsage : ExitCode::kFailed;
  if (wrong_usage && RankByLauncher() != 0) {
    // All ranks have the same command line, so only rank 0 reports the error. The others wait to
    // give it time, because mpirun ends all ranks when one ends.
    absl::SleepFor(kTimeForRank0);
    return code;
  }
  const std::string message(status.message());
  std::fprintf(stderr, "quadhop %s: %s\n", command.c_str(), message.c_str());
  if (wrong_usage) std::fprintf(stderr, "See quadhop %s --help\n", command.c_str());
  return code;
}

std::vector<std::string> Names(absl::Span<const Command> commands) {
  std::vector<std::string> names;
  for (const Command& command : commands) names.emplace_back(command.name);
  return names;
}

}  // namespace

absl::Span<const Command> Commands() {
  constexpr bool kOnRanks = true;
  static constexpr Command kCommands[] = {
      {"prep", "imports, partitions, encodes and propagates, skipping what is done", PrepCommand},
      {"import", "imports a graph from another format", ImportCommand},
      {"partition", "cuts a store and orders its nodes by partition", PartitionCommand, kOnRanks},
      {"propagate", "computes the hop features of a store", PropagateCommand},
      {"encode", "computes the positional encodings of a store", EncodeCommand},
      {"synth", "generates a test graph", SynthCommand},
      {"train", "trains on a store", TrainCommand, kOnRanks},
      {"watch", "follows a run until it ends", WatchCommand},
      {"report", "writes a page that compares runs", ReportCommand},
      {"eval", "computes the metrics of a run's model", EvalCommand, kOnRanks},
      {"predict", "predicts all nodes with a run's model", PredictCommand, kOnRanks},
      {"export", "writes a run's weights as safetensors", ExportCommand},
      {"inspect", "shows what a store, a run or a checkpoint holds", InspectCommand},
      {"verify", "checks every checksum of a store, a checkpoint or a run", VerifyCommand},
      {"plan", "estimates memory, disk and time for a graph", PlanCommand},
      {"launch", "runs a command on many ranks: on this machine, on hosts, under Slurm",
       LaunchCommand},
      {"doctor", "checks whether these hosts can train, and says what to fix", DoctorCommand,
       kOnRanks},
      {"bench", "measures this machine: training steps, sampling, exchange", BenchCommand,
       kOnRanks},
  };
  return kCommands;
}

const Command* FindCommand(absl::string_view name) {
  const absl::Span<const Command> commands = Commands();
  const auto command = std::find_if(commands.begin(), commands.end(),
                                    [name](const Command& one) { return one.name == name; });
  return command == commands.end() ? nullptr : &*command;
}

ExitCode RunCommandLine(absl::Span<const std::string> arguments) {
  const std::string name = arguments.empty() ? "" : arguments[0];
  if (name == "help" && arguments.size() > 1) {
    std::vector<std::string> asked(arguments.begin() + 1, arguments.end());
    asked.emplace_back("--help");
    return RunCommandLine(asked);
  }
  if (const auto format = AsksForHelp(name == "help" ? "--help" : name); format.has_value()) {
    PrintHelp(*format, stdout);
    return ExitCode::kDone;
  }
  if (name == "--version") {
    std::printf("quadhop %s\n", kVersion);
    return ExitCode::kDone;
  }
  const Command* const command = FindCommand(name);
  if (command == nullptr) {
    if (name.empty())
      PrintHelp(HelpFormat::kText, stderr);
    else
      std::fprintf(stderr, "quadhop has no command '%s'%s; see quadhop --help\n", name.c_str(),
                   DidYouMean(name, Names(Commands())).c_str());
    return ExitCode::kUsage;
  }
  const absl::StatusOr<ExitCode> code =
      CatchExhaustion([&] { return RunCommand(*command, name, arguments.subspan(1)); });
  return code.ok() ? *code : Report(code.status(), name);
}

}  // namespace quadhop
