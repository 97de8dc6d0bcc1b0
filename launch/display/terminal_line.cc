#include "launch/display/terminal_line.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <unistd.h>

#include "launch/display/short_duration.h"

namespace quadhop {
namespace {

constexpr absl::Duration kInterval = absl::Milliseconds(200);

}  // namespace

std::string PassLine(absl::string_view what, int64_t step, int64_t steps, absl::Duration elapsed) {
  const std::string line = absl::StrFormat("%s  step %d/%d", what, step, steps);
  if (step <= 0) return line;
  const double left = static_cast<double>(steps - step) / static_cast<double>(step);
  return absl::StrCat(line, "  ", ShortDuration(left * elapsed), " left");
}

TerminalLine::TerminalLine(bool enabled, std::FILE* out)
    : enabled_(enabled && isatty(fileno(out)) == 1), out_(out) {}

bool TerminalLine::IsDue(absl::Time now) const { return enabled_ && now - last_ >= kInterval; }

void TerminalLine::Show(absl::string_view text, absl::Time now) {
  if (!enabled_) return;
  last_ = now;
  absl::FPrintF(out_, "\r\x1b[K%s", text);
  std::fflush(out_);
  shown_ = true;
}

void TerminalLine::Erase() {
  if (shown_) std::fputs("\r\x1b[K", out_);
  if (shown_) std::fflush(out_);
  shown_ = false;
}

}  // namespace quadhop
