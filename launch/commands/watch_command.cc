// quadhop watch RUN
#include <absl/time/clock.h>
#include <absl/time/time.h>

#include <cstdio>

#include "core/base/status.h"
#include "launch/command_line/flags.h"
#include "launch/commands/commands.h"
#include "launch/display/terminal_line.h"
#include "launch/display/watch.h"

namespace quadhop {
namespace {

constexpr absl::Duration kInterval = absl::Seconds(1);

ExitCode CodeOf(RunWatch::State state) {
  return state == RunWatch::State::kFinished ? ExitCode::kDone : ExitCode::kResumable;
}

// Prints until the run is no longer running. On a terminal the last line shows where it stands.
absl::StatusOr<ExitCode> Follow(RunWatch& watch, bool once) {
  TerminalLine live(true, stdout);
  while (true) {
    QH_ASSIGN_OR_RETURN(const std::string epochs, watch.NewEpochs());
    QH_ASSIGN_OR_RETURN(const RunWatch::Standing standing, watch.Now(absl::Now()));
    live.Erase();
    std::printf("%s", epochs.c_str());
    if (once || standing.state != RunWatch::State::kRunning) {
      std::printf("%s\n", standing.line.c_str());
      return standing.state == RunWatch::State::kRunning ? ExitCode::kDone : CodeOf(standing.state);
    }
    std::fflush(stdout);
    live.Show(standing.line);
    absl::SleepFor(kInterval);
  }
}

}  // namespace

absl::StatusOr<ExitCode> WatchCommand(absl::Span<const std::string> arguments) {
  std::string run;
  bool once = false;
  Flags flags(
      "watch",
      "Follows a run until it ends. Exits with 0 when the run has finished, with 75 when it "
      "has stopped, was killed or is silent, and may be resumed.");
  flags.Positional("RUN", &run, "the folder of a run").Required();
  flags.Switch("once", &once, "print the state of the run once, and exit");
  flags.Example("watch runs/quickstart");
  QH_ASSIGN_OR_RETURN(const bool proceed, flags.Parse(arguments));
  if (!proceed) return ExitCode::kDone;
  RunWatch watch(run);
  return Follow(watch, once);
}

}  // namespace quadhop
