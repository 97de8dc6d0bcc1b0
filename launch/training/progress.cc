#include "launch/training/progress.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <unistd.h>

#include <cmath>
#include <utility>

namespace quadhop {

std::string ShortDuration(absl::Duration duration) {
  const double seconds = absl::ToDoubleSeconds(duration);
  if (seconds < 1) return absl::StrFormat("%.2fs", seconds);
  const int64_t whole = std::llround(seconds);
  if (whole < 60) return absl::StrFormat("%ds", whole);
  if (whole < 3600) return absl::StrFormat("%dm%02ds", whole / 60, whole % 60);
  return absl::StrFormat("%dh%02dm", whole / 3600, whole % 3600 / 60);
}

std::string FormatProgress(absl::string_view label, int64_t done, int64_t total,
                           absl::string_view unit, absl::Duration elapsed, absl::string_view note) {
  std::string line = absl::StrCat(label, "  ", done);
  if (total > 0) absl::StrAppend(&line, "/", total);
  absl::StrAppend(&line, " ", unit);
  const double seconds = absl::ToDoubleSeconds(elapsed);
  if (done > 0 && seconds > 0) {
    const double rate = static_cast<double>(done) / seconds;
    absl::StrAppendFormat(&line, "  %.4g %s/s", rate, std::string(unit));
    if (done < total) {
      const double left = static_cast<double>(total - done) / rate;
      absl::StrAppend(&line, "  ", ShortDuration(absl::Seconds(left)), " left");
    }
  }
  if (!note.empty()) absl::StrAppend(&line, "  ", note);
  return line;
}

Progress::Progress(Options options, absl::Time now)
    : options_(std::move(options)),
      start_(now),
      last_(now),
      terminal_(isatty(fileno(options_.out)) == 1) {}

Progress::~Progress() {
  if (line_open_) std::fputc('\n', options_.out);
}

void Progress::Update(int64_t done, absl::string_view note, absl::Time now) {
  if (!options_.enabled) return;
  const bool complete = options_.total > 0 && done >= options_.total;
  const absl::Duration interval = terminal_ ? options_.terminal_interval : options_.plain_interval;
  if (now - last_ < interval && !complete) return;
  last_ = now;
  const std::string line =
      FormatProgress(options_.label, done, options_.total, options_.unit, now - start_, note);
  if (terminal_) {
    std::fprintf(options_.out, "\r\x1b[K%s%s", line.c_str(), complete ? "\n" : "");
    line_open_ = !complete;
  } else {
    std::fprintf(options_.out, "%s\n", line.c_str());
  }
  std::fflush(options_.out);
}

}  // namespace quadhop
