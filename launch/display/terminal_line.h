// A line of a terminal that is written over again and again, to say how far long work has got.
#pragma once

#include <absl/strings/string_view.h>
#include <absl/time/clock.h>
#include <absl/time/time.h>

#include <cstdint>
#include <cstdio>
#include <string>

namespace quadhop {

// "predict  step 120/400  2m05s left".
std::string PassLine(absl::string_view what, int64_t step, int64_t steps, absl::Duration elapsed);

// Texts are cut to the terminal's width. Writes nothing if `out`, which is borrowed, is not a
// terminal. Not thread-safe. Only rank 0 makes one that is enabled.
class TerminalLine {
 public:
  TerminalLine(bool enabled, std::FILE* out);
  ~TerminalLine() { Erase(); }
  TerminalLine(const TerminalLine&) = delete;
  TerminalLine& operator=(const TerminalLine&) = delete;

  bool enabled() const { return enabled_; }
  // Whether it is time for another text: a few times a second, and not at once.
  bool IsDue(absl::Time now = absl::Now()) const;
  void Show(absl::string_view text, absl::Time now = absl::Now());
  void Erase();

 private:
  const bool enabled_;
  std::FILE* const out_;
  bool shown_ = false;
  absl::Time last_ = absl::Now();
};

}  // namespace quadhop
