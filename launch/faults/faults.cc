#include "launch/faults/faults.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <signal.h>
#include <unistd.h>

#include <csignal>
#include <limits>
#include <new>

namespace quadhop {
namespace {

// By when the thread that waits for signals has been woken.
constexpr absl::Duration kRequestIsSeen = absl::Milliseconds(200);

}  // namespace

absl::Status Faults::At(FailAt::Point point, int64_t steps) {
  if (config_.point() != point || config_.rank() != rank_.value() || steps < config_.step())
    return absl::OkStatus();
  if (done_.exchange(true)) return absl::OkStatus();
  if (config_.fault() == FailAt::MEMORY) throw std::bad_alloc();
  if (config_.fault() == FailAt::HANG) absl::SleepFor(absl::InfiniteDuration());
  if (config_.fault() == FailAt::TERM) {
    kill(getpid(), SIGTERM);
    absl::SleepFor(kRequestIsSeen);
    return absl::OkStatus();
  }
  if (config_.fault() != FailAt::ERROR)
    std::raise(config_.fault() == FailAt::KILL ? SIGKILL : SIGSTOP);
  return absl::InternalError(absl::StrCat("train.fail_at: an error on purpose at ",
                                          FailAt::Point_Name(point), ", ", steps, " steps done"));
}

double Faults::Loss(double loss, int64_t step) const {
  const bool bad = config_.point() == FailAt::LOSS && config_.step() == step;
  return bad ? std::numeric_limits<double>::quiet_NaN() : loss;
}

std::vector<const char*> CommitPointNames() { return {"begin", "files-written", "decided"}; }

CommitHook KillAtCommit(const std::string& place) {
  return [place](absl::string_view step, CommitPoint point) {
    if (place == absl::StrCat(step, ":", CommitPointNames()[static_cast<size_t>(point)]))
      std::raise(SIGKILL);
  };
}

}  // namespace quadhop
