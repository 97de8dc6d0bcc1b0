// Runs a program in this one's stead: signals reach it, its exit code comes back.
#pragma once

#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <csignal>
#include <string>

namespace quadhop {

// While one lives, SIGUSR1, SIGTERM, SIGINT and SIGHUP to this process are requests to stop: each is
// handed to the program that runs as SIGUSR1, which mpirun forwards to its ranks (SIGTERM and SIGINT
// it would answer by killing them). The program is in a group of its own, so that those of a
// terminal or of timeout(1), which signal whole groups, reach it in no other way, and it reads
// nothing. Made before any other thread; one at a time; used by one thread.
class Supervisor {
 public:
  Supervisor();
  ~Supervisor();  // the signals do again what they did
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // Starts `command` (a program, looked for in PATH, and its arguments) and waits for its end.
  // Returns its exit code, or 128 + the signal that ended it. It is sent SIGTERM when this process
  // dies. kInternal if it cannot be started.
  absl::StatusOr<int> Run(absl::Span<const std::string> command);

  // Whether a request to stop has come while a program ran: the caller should run no other.
  bool StopRequested() const { return stop_requested_; }

 private:
  sigset_t signals_;  // those above, and SIGCHLD
  sigset_t before_;
  bool stop_requested_ = false;
};

}  // namespace quadhop
