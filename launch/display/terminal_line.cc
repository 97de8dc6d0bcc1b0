#include "launch/display/terminal_line.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <limits>

#include "launch/display/short_duration.h"

namespace quadhop {
namespace {

constexpr absl::Duration kInterval = absl::Milliseconds(200);

// Columns of the terminal now; it may not say.
size_t ColumnsOf(std::FILE* terminal) {
  winsize size{};
  const bool known = ioctl(fileno(terminal), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : std::numeric_limits<size_t>::max();
}

// The first characters (of UTF-8) of `text`, `most` of them.
absl::string_view FirstCharacters(absl::string_view text, size_t most) {
  size_t characters = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool begins = (static_cast<uint8_t>(text[i]) & 0xc0) != 0x80;
    if (begins && characters++ == most) return text.substr(0, i);
  }
  return text;
}

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
  // A line that wraps could not be written over. One column is left for the cursor.
  absl::FPrintF(out_, "\r\x1b[K%s", FirstCharacters(text, ColumnsOf(out_) - 1));
  std::fflush(out_);
  shown_ = true;
}

void TerminalLine::Erase() {
  if (shown_) std::fputs("\r\x1b[K", out_);
  if (shown_) std::fflush(out_);
  shown_ = false;
}

}  // namespace quadhop
