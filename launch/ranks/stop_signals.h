// Requests to stop, from outside: SIGUSR1, SIGUSR2, SIGTERM, SIGINT (Ctrl-C) and SIGHUP.
#pragma once

#include <absl/time/time.h>

#include <atomic>
#include <csignal>
#include <thread>

namespace quadhop {

// The signals that ask this process for a stop: those above, except SIGINT and SIGHUP if they are
// ignored: nohup leaves SIGHUP ignored, a shell SIGINT for what it runs in the background.
sigset_t SignalsToStop();

// Whether a signal that comes `since_first` after the first one is another request. Within a second
// it is the same request: timeout sends its signal to the process and to its group, systemd SIGHUP
// besides SIGTERM. SIGUSR1 and SIGUSR2, of which schedulers send one, the other or both, are always
// the same request: mpirun forwards them, but drops them before there are ranks, so that launchers
// repeat theirs (supervisor.h).
bool IsAnotherRequest(int signal, absl::Duration since_first);

// While an object lives, the first of these signals asks for a stop.
// - Until Defer a stop loses nothing: the process ends at once with kResumable. One of several
//   ranks does so 2 s after a SIGTERM: mpirun sends that to the survivors of a dead rank and kills
//   them a second later, by when the heartbeat has said more.
// - From Defer on the training loop answers with a checkpoint. Another request ends the process at
//   once with exit code 1.
// SIGUSR1 and SIGUSR2 stay blocked afterwards, as the process may be at its end when they are
// repeated.
//
// No handler is installed. The signals are blocked in the thread that makes the object, and so in
// all that it starts later, and a thread of the object's own waits for them: a handler that runs on
// a thread that is inside oneDNN's dnnl_sgemm destroys its data, which lies further below the stack
// pointer than the ABI's red zone (seen with 2.6: heaps corrupted within a second of signals). Make
// the object before any thread that computes. Only one at a time.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();  // the signals do again what they did, except SIGUSR1 and SIGUSR2
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // The caller looks at Requested() from here on. Thread-safe, as Requested is.
  void Defer() { deferred_ = true; }
  // As before Defer; a request that has come since ends the process.
  void EndAtOnce();
  bool Requested() const { return requested_; }

 private:
  void Wait();

  const sigset_t signals_;
  sigset_t before_;
  std::atomic<bool> deferred_ = false;
  std::atomic<bool> requested_ = false;
  std::atomic<bool> closing_ = false;
  std::thread thread_;
};

}  // namespace quadhop
