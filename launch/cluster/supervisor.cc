#include "launch/cluster/supervisor.h"

#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <optional>
#include <vector>

#include "core/base/check.h"
#include "core/base/status.h"
#include "core/base/stopwatch.h"
#include "launch/ranks/stop_signals.h"

namespace quadhop {
namespace {

constexpr int kCannotStart = 127;  // as a shell says it

// In the child; does not return.
[[noreturn]] void Become(char* const* arguments, const sigset_t& mask, pid_t parent) {
  sigprocmask(SIG_SETMASK, &mask, nullptr);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  // In a group of its own, the child may not read from the terminal: it would be stopped.
  setpgid(0, 0);
  const int nothing = open("/dev/null", O_RDONLY);
  dup2(nothing, STDIN_FILENO);
  if (nothing > STDIN_FILENO) close(nothing);
  if (getppid() != parent) _exit(kCannotStart);
  execvp(arguments[0], arguments);
  std::fprintf(stderr, "quadhop: cannot start %s: %s\n", arguments[0], std::strerror(errno));
  _exit(kCannotStart);
}

}  // namespace

absl::StatusOr<int> Supervisor::Run(absl::Span<const std::string> command) {
  std::vector<char*> arguments;
  for (const std::string& argument : command)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  std::fflush(nullptr);
  sigset_t signals = SignalsToStop(), before;
  sigaddset(&signals, SIGCHLD);
  QH_CHECK_EQ(sigprocmask(SIG_BLOCK, &signals, &before), 0);
  const pid_t self = getpid();
  const pid_t child = fork();
  if (child == 0) Become(arguments.data(), before, self);
  absl::StatusOr<int> code;
  if (child > 0)
    code = WaitFor(child, signals);
  else
    code = ErrnoStatus(errno, absl::StrCat("start ", command[0]));
  // A signal that has come since counts, too, and must not end this process now.
  const timespec at_once{};
  while (const int signal = std::max(0, sigtimedwait(&signals, nullptr, &at_once)))
    stop_requested_ |= signal != SIGCHLD;
  QH_CHECK_EQ(sigprocmask(SIG_SETMASK, &before, nullptr), 0);
  return code;
}

int Supervisor::WaitFor(pid_t child, const sigset_t& signals) {
  std::optional<Stopwatch> since_first, since_second;
  while (true) {
    const timespec again = {.tv_sec = 1, .tv_nsec = 0};
    const int signal = sigtimedwait(&signals, nullptr, &again);
    if (signal == SIGCHLD) {
      int status = 0;
      if (waitpid(child, &status, WNOHANG) == child)
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    } else if (signal > 0) {
      stop_requested_ = true;
      if (!since_first.has_value()) {
        since_first.emplace();
      } else if (!since_second.has_value() && IsAnotherRequest(signal, since_first->Elapsed())) {
        since_second.emplace();
        kill(child, SIGTERM);  // only once: at a second one mpirun abandons its ranks
      }
    }
    if (since_second.has_value()) {
      if (since_second->Elapsed() >= patience_) kill(-child, SIGKILL);
    } else if (since_first.has_value()) {
      kill(child, SIGUSR1);
    }
  }
}

}  // namespace quadhop
