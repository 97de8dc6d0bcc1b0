#include "launch/cluster/supervisor.h"

#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <vector>

#include "core/check.h"
#include "core/status.h"

namespace quadhop {
namespace {

constexpr int kCannotStart = 127;  // as a shell says it

// In the child; does not return.
[[noreturn]] void Become(char* const* arguments, const sigset_t& mask, pid_t parent) {
  signal(SIGINT, SIG_DFL);
  sigprocmask(SIG_SETMASK, &mask, nullptr);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  // Of a group of its own, it may not read from the terminal: it would be stopped.
  setpgid(0, 0);
  const int nothing = open("/dev/null", O_RDONLY);
  dup2(nothing, STDIN_FILENO);
  close(nothing);
  if (getppid() != parent) _exit(kCannotStart);
  execvp(arguments[0], arguments);
  std::fprintf(stderr, "quadhop: cannot start %s: %s\n", arguments[0], std::strerror(errno));
  _exit(kCannotStart);
}

}  // namespace

Supervisor::Supervisor() {
  sigemptyset(&signals_);
  for (const int signal : {SIGUSR1, SIGTERM, SIGINT, SIGHUP, SIGCHLD}) sigaddset(&signals_, signal);
  QH_CHECK_EQ(sigprocmask(SIG_BLOCK, &signals_, &before_), 0);
}

Supervisor::~Supervisor() {
  const timespec at_once{};
  while (sigtimedwait(&signals_, nullptr, &at_once) > 0) {
  }
  QH_CHECK_EQ(sigprocmask(SIG_SETMASK, &before_, nullptr), 0);
}

absl::StatusOr<int> Supervisor::Run(absl::Span<const std::string> command) {
  std::vector<char*> arguments;
  for (const std::string& argument : command)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  std::fflush(nullptr);
  const pid_t self = getpid();
  const pid_t child = fork();
  if (child < 0) return ErrnoStatus(errno, absl::StrCat("start ", command[0]));
  if (child == 0) Become(arguments.data(), before_, self);
  while (true) {
    siginfo_t signal;
    int status = 0;
    if (sigwaitinfo(&signals_, &signal) < 0) continue;
    if (signal.si_signo != SIGCHLD) {
      stop_requested_ = true;
      kill(child, SIGUSR1);
    } else if (waitpid(child, &status, WNOHANG) == child) {
      return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
  }
}

}  // namespace quadhop
