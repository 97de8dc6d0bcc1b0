// RUN/alive.json: shows that a run lives, to whoever watches it from another process or host.
//
//   {"state":"running","phase":"training","step":120,"time":1700000000,"host":"n1","pid":7}
//
// Rewritten every few seconds while the run lives; at its end "state" is how it ended. A file that
// says "running" and has not changed for longer than kSilence is of a run that was killed, or whose
// host is gone.
#pragma once

#include <absl/time/time.h>

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "comm/heartbeat/rank_progress.h"

namespace quadhop {

inline constexpr absl::Duration kSignInterval = absl::Seconds(3);
inline constexpr absl::Duration kSilence = absl::Seconds(30);

// A thread of rank 0. A write that fails is ignored: a run does not end because of it.
class SignOfLife {
 public:
  // Writes to `path` at once, and again every `interval`. Borrows `progress`.
  SignOfLife(std::string path, const RankProgress& progress,
             absl::Duration interval = kSignInterval);
  ~SignOfLife();  // writes "failed" if End was not called
  SignOfLife(const SignOfLife&) = delete;
  SignOfLife& operator=(const SignOfLife&) = delete;

  // Writes for the last time, with the state "finished" or "stopped".
  void End(const std::string& state);

 private:
  void Work(absl::Duration interval);
  void Write(const std::string& state) const;

  const std::string path_;
  const RankProgress& progress_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ended_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace quadhop
