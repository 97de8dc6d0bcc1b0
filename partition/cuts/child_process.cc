#include "partition/cuts/child_process.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "core/base/status.h"

namespace quadhop {
namespace {

constexpr int kOutOfMemory = 120;  // exit codes that nothing else uses
constexpr int kThrew = 121;

[[noreturn]] void ChildMain(pid_t parent, const std::function<void()>& body) {
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGABRT, SIGSEGV, SIGUSR1, SIGUSR2})
    signal(number, SIG_DFL);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);  // it died before the line above
  // An exception that left the body would unwind the parent's frames here, whose threads do not
  // exist.
  try {
    body();
  } catch (const std::bad_alloc&) {
    _exit(kOutOfMemory);
  } catch (...) {
    _exit(kThrew);
  }
  _exit(0);  // no destructors and no flushing: those are the parent's
}

absl::Status StatusOfEnd(absl::string_view what, int state) {
  if (WIFEXITED(state)) {
    if (WEXITSTATUS(state) == 0) return absl::OkStatus();
    if (WEXITSTATUS(state) == kOutOfMemory)
      return absl::ResourceExhaustedError(absl::StrCat(
          what,
          ": its process was refused memory: use a machine with more, or raise its limit "
          "(ulimit -a)"));
    return absl::InternalError(
        absl::StrCat(what, ": its process ended with exit code ", WEXITSTATUS(state)));
  }
  const int number = WTERMSIG(state);
  const std::string message = absl::StrCat(what, ": its process was ended by signal ", number, " (",
                                           strsignal(number), ")");
  if (number == SIGKILL)
    return absl::ResourceExhaustedError(
        absl::StrCat(message, ", as a rule for lack of memory: use a machine with more"));
  return absl::InternalError(message);
}

}  // namespace

absl::StatusOr<SharedMemory> SharedMemory::Create(int64_t num_bytes) {
  SharedMemory memory;
  void* data = mmap(nullptr, static_cast<size_t>(num_bytes), PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED)
    return ErrnoStatus(errno, absl::StrCat("map ", num_bytes, " bytes of shared memory"));
  memory.data_ = data;
  memory.num_bytes_ = num_bytes;
  return memory;
}

SharedMemory::SharedMemory(SharedMemory&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), num_bytes_(other.num_bytes_) {}

SharedMemory::~SharedMemory() {
  if (data_ != nullptr) munmap(data_, static_cast<size_t>(num_bytes_));
}

absl::Status RunInChild(absl::string_view what, const std::function<void()>& body) {
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) return ErrnoStatus(errno, absl::StrCat("start a process for ", what));
  if (child == 0) ChildMain(parent, body);
  int state = 0;
  while (waitpid(child, &state, 0) < 0)
    if (errno != EINTR) return ErrnoStatus(errno, absl::StrCat("wait for the process of ", what));
  return StatusOfEnd(what, state);
}

}  // namespace quadhop
