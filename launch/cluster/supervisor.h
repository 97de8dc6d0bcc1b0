// Runs a program in place of this one: passes signals on to it and returns its exit code.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <absl/types/span.h>

#include <csignal>
#include <string>

namespace quadhop {

// While a program runs, SignalsToStop() are requests to stop. The first is passed on as SIGUSR1,
// which mpirun forwards to its ranks, and again each second until the program ends, because mpirun
// drops it while it has no ranks. Another request (stop_signals.h) is passed on as SIGTERM, which
// mpirun answers by killing its ranks; if the program still runs after `patience`, its group is
// killed. The program is in a group of its own, so that signals of a terminal or of timeout(1), to
// whole groups, reach it in no other way, and it reads nothing. Between two runs these signals do
// what they do to any process. Used by one thread, while there is no other.
class Supervisor {
 public:
  explicit Supervisor(absl::Duration patience = absl::Seconds(10)) : patience_(patience) {}

  // Starts `command` (a program, looked for in PATH, and its arguments) and waits for its end.
  // Returns its exit code, or 128 + the signal that ended it. The program is sent SIGTERM when this
  // process dies. kInternal if it cannot be started.
  absl::StatusOr<int> Run(absl::Span<const std::string> command);

  // Whether a request to stop has come while a program ran: the caller should run no other.
  bool StopRequested() const { return stop_requested_; }

 private:
  int WaitFor(pid_t child, const sigset_t& signals);
  const absl::Duration patience_;
  bool stop_requested_ = false;
};

}  // namespace quadhop
