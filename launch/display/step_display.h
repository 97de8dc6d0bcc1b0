// What a person sees while a step of prep works, which may take hours: on a terminal a live line,
// elsewhere nothing.
#pragma once

#include <absl/strings/string_view.h>
#include <absl/time/time.h>

#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <string>
#include <thread>

#include "launch/display/terminal_line.h"
#include "partition/steps/progress.h"

namespace quadhop {

// "import  node-feat.csv.gz  45 %  1m02s", the time since the step began. Without what it is at,
// if `what` is empty, and without the share, if that is negative.
std::string StepLine(absl::string_view step, absl::string_view what, double share,
                     absl::Duration elapsed);

// A thread of its own keeps the line fresh, whatever the step is at. Thread-safe.
class StepDisplay {
 public:
  // `out`, which is borrowed, is as of TerminalLine. Rank 0 alone makes one that is enabled.
  explicit StepDisplay(bool enabled = true, std::FILE* out = stderr,
                       absl::Duration interval = absl::Milliseconds(250));
  ~StepDisplay();
  StepDisplay(const StepDisplay&) = delete;
  StepDisplay& operator=(const StepDisplay&) = delete;

  // The step has begun. Nothing is seen of one that is over within the interval.
  void Begin(absl::string_view step);
  // The line is gone, so that others may be written, until a step begins.
  void End();

  // Goes to the line. Empty where there is none. Must not outlive the display.
  ProgressHook hook();

 private:
  void Work();
  void Show();

  const absl::Duration interval_;
  // A terminal can be made to wait, which the step must not: held while it is written to, and taken
  // before the other.
  std::mutex writing_;
  TerminalLine line_;  // guarded by writing_

  std::mutex mutex_;
  std::condition_variable ending_;
  // Guarded by mutex_:
  std::string step_;  // empty: none is at work
  std::string what_;
  double share_ = -1;
  absl::Time begin_;
  bool ended_ = false;
  std::thread thread_;  // where there is a line
};

}  // namespace quadhop
