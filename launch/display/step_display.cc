#include "launch/display/step_display.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/time/clock.h>

#include <algorithm>

#include "launch/display/short_duration.h"

namespace quadhop {

std::string StepLine(absl::string_view step, absl::string_view what, double share,
                     absl::Duration elapsed) {
  std::string line(step);
  if (!what.empty()) absl::StrAppend(&line, "  ", what);
  if (share >= 0) absl::StrAppendFormat(&line, "  %.0f %%", 100 * std::min(share, 1.0));
  // Whole seconds, however few.
  const absl::Duration whole = absl::Floor(elapsed, absl::Seconds(1));
  absl::StrAppend(&line, "  ", whole < absl::Seconds(1) ? "0s" : ShortDuration(whole));
  return line;
}

StepDisplay::StepDisplay(bool enabled, std::FILE* out, absl::Duration interval)
    : interval_(interval), line_(enabled, out) {
  if (line_.enabled()) thread_ = std::thread([this] { Work(); });
}

StepDisplay::~StepDisplay() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ended_ = true;
  }
  ending_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void StepDisplay::Begin(absl::string_view step) {
  const std::lock_guard<std::mutex> lock(mutex_);
  step_ = std::string(step);
  what_.clear();
  share_ = -1;
  begin_ = absl::Now();
}

void StepDisplay::End() {
  const std::lock_guard<std::mutex> writing(writing_);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    step_.clear();
  }
  line_.Erase();
}

ProgressHook StepDisplay::hook() {
  if (!line_.enabled()) return {};
  return [this](absl::string_view what, double share) {
    const std::lock_guard<std::mutex> lock(mutex_);
    what_ = std::string(what);
    share_ = share;
  };
}

void StepDisplay::Work() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!ended_) {
    lock.unlock();
    Show();
    lock.lock();
    ending_.wait_for(lock, absl::ToChronoNanoseconds(interval_), [this] { return ended_; });
  }
}

void StepDisplay::Show() {
  const std::lock_guard<std::mutex> writing(writing_);
  std::string text;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const absl::Duration elapsed = absl::Now() - begin_;
    if (step_.empty() || elapsed < interval_) return;
    text = StepLine(step_, what_, share_, elapsed);
  }
  line_.Show(text);
}

}  // namespace quadhop
