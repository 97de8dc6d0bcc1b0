// How far a long step is: one line that rewrites itself on a terminal, a plain line now and then
// elsewhere.
#pragma once

#include <absl/strings/string_view.h>
#include <absl/time/clock.h>
#include <absl/time/time.h>

#include <cstdint>
#include <cstdio>
#include <string>

namespace quadhop {

// "epoch 3/10  120/400 steps  35.2 steps/s  8s left  loss 1.234". `elapsed`: since done was 0.
std::string FormatProgress(absl::string_view label, int64_t done, int64_t total,
                           absl::string_view unit, absl::Duration elapsed, absl::string_view note);

// "2h03m", "4m05s", "8s", "0.42s".
std::string ShortDuration(absl::Duration duration);

// Not thread-safe. Rank 0 alone makes one that is enabled.
class Progress {
 public:
  struct Options {
    std::string label;
    int64_t total = 0;  // of `unit`; 0: not known, and no time left is shown
    std::string unit;   // plural: "steps"
    bool enabled = true;
    std::FILE* out = stderr;
    absl::Duration terminal_interval = absl::Milliseconds(100);
    absl::Duration plain_interval = absl::Seconds(10);
  };
  explicit Progress(Options options, absl::Time now = absl::Now());
  ~Progress();  // ends an open terminal line
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `note` follows the rate: "loss 1.234". Writes at most once an interval, and always when all is
  // done.
  void Update(int64_t done, absl::string_view note, absl::Time now = absl::Now());

 private:
  Options options_;
  absl::Time start_;
  absl::Time last_;
  bool terminal_;
  bool line_open_ = false;
};

}  // namespace quadhop
