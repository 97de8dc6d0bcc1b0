// What a person sees while a step of prep works, which may take hours: a live line on a terminal,
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

// "import  node-feat.csv.gz  45 %  1m02s", with the time since the step began. Leaves out what the
// step is at if `what` is empty, and the share if it is negative.
std::string StepLine(absl::string_view step, absl::string_view what, double share,
                     absl::Duration elapsed);

// A thread of its own keeps the line fresh, whatever the step is at. Thread-safe.
class StepDisplay {
 public:
  // out: as for TerminalLine; borrowed. Only rank 0 makes one that is enabled.
  explicit StepDisplay(bool enabled = true, std::FILE* out = stderr,
                       absl::Duration interval = absl::Milliseconds(250));
  ~StepDisplay();
  StepDisplay(const StepDisplay&) = delete;
  StepDisplay& operator=(const StepDisplay&) = delete;

  // Called when a step begins. One that is over within the interval is not shown.
  void Begin(absl::string_view step);
  // Removes the line until the next step begins, so that other lines may be written.
  void End();

  // Updates the line; empty if there is none. Must not outlive the display.
  ProgressHook hook();

 private:
  void Work();
  void Show();

  const absl::Duration interval_;
  // Held while the terminal is written to, and taken before mutex_: a terminal may make its writer
  // wait, and the step must not wait for that.
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
  std::thread thread_;  // only if there is a line
};

}  // namespace quadhop
