#include "launch/ranks/stop_signals.h"

#include <pthread.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>

#include "core/check.h"

namespace quadhop {

StopSignals::StopSignals() {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGUSR1);
  sigaddset(&signals_, SIGTERM);
  QH_CHECK_EQ(pthread_sigmask(SIG_BLOCK, &signals_, &before_), 0);
  thread_ = std::thread([this] { Wait(); });
}

StopSignals::~StopSignals() {
  closing_ = true;
  pthread_kill(thread_.native_handle(), SIGUSR1);
  thread_.join();
  // One that came in between must not end the process now that all is done.
  const timespec at_once{};
  while (sigtimedwait(&signals_, nullptr, &at_once) > 0) {
  }
  QH_CHECK_EQ(pthread_sigmask(SIG_SETMASK, &before_, nullptr), 0);
}

void StopSignals::Wait() {
  while (true) {
    int signal = 0;
    if (sigwait(&signals_, &signal) != 0) continue;
    if (closing_) return;
    if (!requested_.exchange(true)) continue;
    std::fputs("quadhop: asked to stop a second time: ends at once\n", stderr);
    _exit(1);
  }
}

}  // namespace quadhop
