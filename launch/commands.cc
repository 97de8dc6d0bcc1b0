#include "launch/commands.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <algorithm>
#include <cstdio>

#include "launch/flags.h"
#include "launch/version.h"

namespace quadhop {
namespace {

std::string Help() {
  std::string help =
      "quadhop trains graph transformers (LargeGT) on large graphs.\n\n"
      "Usage: quadhop COMMAND [FLAGS]; quadhop COMMAND --help; quadhop --version\n\n";
  for (const Command& command : Commands()) {
    absl::StrAppendFormat(&help, "  %-10s %s\n", command.name, command.summary);
  }
  return absl::StrCat(help,
                      "\nExit codes: 0 done, 1 failed, 2 wrong usage, 75 stopped early but "
                      "resumable (train --resume)\n");
}

ExitCode Report(const absl::Status& status, const std::string& command) {
  const std::string message(status.message());
  std::fprintf(stderr, "quadhop %s: %s\n", command.c_str(), message.c_str());
  if (!IsUsageError(status)) return ExitCode::kFailed;
  std::fprintf(stderr, "See quadhop %s --help\n", command.c_str());
  return ExitCode::kUsage;
}

}  // namespace

absl::Span<const Command> Commands() {
  static constexpr Command kCommands[] = {
      {"prep", "import, partition, encode and propagate, skipping what is done", PrepCommand},
      {"import", "reads a graph in a format of others into a store", ImportCommand},
      {"partition", "cuts a store and orders its nodes by partition", PartitionCommand},
      {"propagate", "computes the hop features of a store", PropagateCommand},
      {"encode", "computes the positional encodings of a store", EncodeCommand},
      {"synth", "generates a test graph", SynthCommand},
      {"train", "trains on a store", TrainCommand},
      {"eval", "computes the metrics of a run's model", EvalCommand},
      {"predict", "predicts all nodes with a run's model", PredictCommand},
      {"export", "writes a run's weights as safetensors", ExportCommand},
      {"inspect", "shows what a store or a run holds", InspectCommand},
      {"verify", "checks every checksum of a store, a checkpoint or a run", VerifyCommand},
      {"plan", "says what a graph will take, before there are nodes for it", PlanCommand},
      {"bench", "measures this machine: training steps, sampling, gathering", BenchCommand},
  };
  return kCommands;
}

ExitCode RunCommandLine(absl::Span<const std::string> arguments) {
  const std::string name = arguments.empty() ? "" : arguments[0];
  if (name == "--help" || name == "-h" || name == "help") {
    std::fputs(Help().c_str(), stdout);
    return ExitCode::kDone;
  }
  if (name == "--version") {
    std::printf("quadhop %s\n", kVersion);
    return ExitCode::kDone;
  }
  const absl::Span<const Command> commands = Commands();
  const auto command = std::find_if(commands.begin(), commands.end(),
                                    [&](const Command& one) { return one.name == name; });
  if (command == commands.end()) {
    std::fputs(
        name.empty()
            ? Help().c_str()
            : absl::StrCat("quadhop has no command '", name, "'; see quadhop --help\n").c_str(),
        stderr);
    return ExitCode::kUsage;
  }
  const absl::StatusOr<ExitCode> code = command->run(arguments.subspan(1));
  return code.ok() ? *code : Report(code.status(), name);
}

}  // namespace quadhop
