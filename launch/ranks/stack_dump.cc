#include "launch/ranks/stack_dump.h"

#include <dirent.h>
#include <execinfo.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace quadhop {
namespace {

constexpr int kMaxFrames = 64;
constexpr int kPollMicroseconds = 1000;
constexpr int kMaxPollsAThread = 100;
constexpr int kMaxPolls = 2000;

// Signal handlers have nothing but globals.
std::atomic<int> num_dumped = 0;

pid_t ThreadId() { return static_cast<pid_t>(syscall(SYS_gettid)); }

void DumpThisThread() {
  void* frames[kMaxFrames];
  const int num_frames = backtrace(frames, kMaxFrames);
  char title[64];
  const int length = std::snprintf(title, sizeof(title), "thread %d:\n", ThreadId());
  if (write(STDERR_FILENO, title, static_cast<size_t>(length)) < 0) return;
  backtrace_symbols_fd(frames, num_frames, STDERR_FILENO);
}

void OnDumpSignal(int) {
  DumpThisThread();
  ++num_dumped;
}

void OnFault(int) { _exit(EXIT_FAILURE); }

void Handle(int signal, void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  (void)sigaction(signal, &action, nullptr);  // if it fails, the threads are not dumped
}

std::vector<pid_t> Threads() {
  std::vector<pid_t> threads;
  DIR* const folder = opendir("/proc/self/task");
  if (folder == nullptr) return threads;
  while (const dirent* entry = readdir(folder))
    if (entry->d_name[0] != '.') threads.push_back(std::atoi(entry->d_name));
  closedir(folder);
  std::sort(threads.begin(), threads.end());
  return threads;
}

}  // namespace

void DumpStacks(int32_t rank) {
  const std::vector<pid_t> threads = Threads();
  std::fprintf(stderr, "quadhop: rank %d: where its %zu threads are:\n", rank, threads.size());
  std::fflush(stderr);
  for (const int fault : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT}) Handle(fault, OnFault);
  const int signal = SIGRTMAX - 1;
  Handle(signal, OnDumpSignal);
  DumpThisThread();  // before the others: the first call loads what it needs
  int polls = 0;
  for (const pid_t thread : threads) {
    if (thread == ThreadId()) continue;
    // One after another, so that lines do not mix.
    const int before = num_dumped;
    if (syscall(SYS_tgkill, getpid(), thread, signal) != 0) continue;
    for (int i = 0; i < kMaxPollsAThread && num_dumped == before && polls < kMaxPolls; ++i, ++polls)
      usleep(kPollMicroseconds);
  }
}

}  // namespace quadhop
