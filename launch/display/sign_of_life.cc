#include "launch/display/sign_of_life.h"

#include <absl/time/clock.h>
#include <unistd.h>

#include <utility>

#include "core/files/file.h"
#include "launch/json/json_object.h"
#include "launch/ranks/host_name.h"

namespace quadhop {

SignOfLife::SignOfLife(std::string path, const RankProgress& progress, absl::Duration interval)
    : path_(std::move(path)), progress_(progress), thread_([this, interval] { Work(interval); }) {}

SignOfLife::~SignOfLife() { End("failed"); }

void SignOfLife::End(const std::string& state) {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
  thread_.join();
  Write(state);
}

void SignOfLife::Work(absl::Duration interval) {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!ended_) {
    Write("running");
    changed_.wait_for(lock, absl::ToChronoNanoseconds(interval), [this] { return ended_; });
  }
}

void SignOfLife::Write(const std::string& state) const {
  JsonObject sign;
  sign.Add("state", state)
      .Add("phase", progress_.phase())
      .Add("step", progress_.step())
      .Add("time", absl::ToUnixSeconds(absl::Now()))
      .Add("host", HostName())
      .Add("pid", static_cast<int64_t>(getpid()));
  WriteFileAtomically(path_, sign.ToString() + "\n").IgnoreError();
}

}  // namespace quadhop
