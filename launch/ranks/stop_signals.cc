#include "launch/ranks/stop_signals.h"

#include <absl/time/clock.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "comm/mpi/mpi_launcher.h"
#include "core/base/check.h"
#include "core/base/stopwatch.h"
#include "launch/command_line/exit_code.h"

namespace quadhop {
namespace {

// Signals of which several count as one request.
constexpr std::array kRepeated = {SIGUSR1, SIGUSR2};

bool IsIgnored(int signal) {
  struct sigaction action = {};
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

[[noreturn]] void EndBeforeFirstStep() {
  if (RankByLauncher() == 0) std::fputs("quadhop: stops before its first step, as asked\n", stderr);
  _exit(static_cast<int>(ExitCode::kResumable));
}

}  // namespace

sigset_t SignalsToStop() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  for (const int signal : kRepeated) sigaddset(&signals, signal);
  for (const int signal : {SIGINT, SIGHUP})
    if (!IsIgnored(signal)) sigaddset(&signals, signal);
  return signals;
}

bool IsAnotherRequest(int signal, absl::Duration since_first) {
  return since_first >= absl::Seconds(1) &&
         std::find(kRepeated.begin(), kRepeated.end(), signal) == kRepeated.end();
}

StopSignals::StopSignals() : signals_(SignalsToStop()) {
  QH_CHECK_EQ(pthread_sigmask(SIG_BLOCK, &signals_, &before_), 0);
  thread_ = std::thread([this] { Wait(); });
}

StopSignals::~StopSignals() {
  closing_ = true;
  pthread_kill(thread_.native_handle(), SIGUSR1);
  thread_.join();
  // A signal that came in between must not end the process now that all is done.
  const timespec at_once{};
  while (sigtimedwait(&signals_, nullptr, &at_once) > 0) {
  }
  for (const int signal : kRepeated) sigaddset(&before_, signal);
  QH_CHECK_EQ(pthread_sigmask(SIG_SETMASK, &before_, nullptr), 0);
}

void StopSignals::EndAtOnce() {
  deferred_ = false;
  if (requested_) EndBeforeFirstStep();
}

void StopSignals::Wait() {
  Stopwatch since_first;
  while (true) {
    int signal = 0;
    if (sigwait(&signals_, &signal) != 0) continue;
    if (closing_) return;
    if (!deferred_ && signal == SIGTERM && NumRanksByLauncher() > 1)
      absl::SleepFor(absl::Seconds(2));
    if (!deferred_) EndBeforeFirstStep();  // or training has begun meanwhile
    if (!requested_) {
      since_first = {};
      if (signal == SIGINT)
        std::fputs(
            "quadhop: stops when a checkpoint is written; interrupt again, after a second, "
            "to end at once\n",
            stderr);
      requested_ = true;
      continue;
    }
    if (!IsAnotherRequest(signal, since_first.Elapsed())) continue;
    std::fputs("quadhop: asked to stop a second time: ends at once\n", stderr);
    _exit(1);
  }
}

}  // namespace quadhop
