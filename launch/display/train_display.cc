#include "launch/display/train_display.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <algorithm>
#include <numeric>

#include "launch/display/loss_text.h"
#include "launch/display/short_duration.h"

namespace quadhop {
namespace {

constexpr double kWorthSaying = 0.05;

const char* NameOfWait(LoaderStage stage) {
  return stage == LoaderStage::kIdle ? "threads to wake" : LoaderStageName(stage);
}

}  // namespace

std::string Bottleneck(const TrainingWaits& waits) {
  const StageSeconds& batches = waits.batches_seconds;
  const double waited = std::accumulate(batches.begin(), batches.end(), waits.sums_seconds);
  if (waits.seconds <= 0 || waited < kWorthSaying * waits.seconds) return "computes";
  const auto longest = std::max_element(batches.begin(), batches.end());
  return absl::StrFormat("waits %.0f %%, most for %s", 100 * waited / waits.seconds,
                         *longest < waits.sums_seconds
                             ? "sums over ranks"
                             : NameOfWait(static_cast<LoaderStage>(longest - batches.begin())));
}

std::string LiveLine(const TrainingView& view) {
  std::string line = absl::StrFormat("epoch %d/%d  step %d/%d  loss %s", view.epoch, view.epochs,
                                     view.step, view.steps, LossText(view.loss));
  if (view.valid >= 0) absl::StrAppendFormat(&line, "  valid %.4f", view.valid);
  if (view.seconds <= 0 || view.step <= 0) return line;
  absl::StrAppendFormat(&line, "  %.0f nodes/s", static_cast<double>(view.nodes) / view.seconds);
  const double step_seconds = view.seconds / static_cast<double>(view.step);
  const auto epochs_left = static_cast<double>(view.epochs - view.epoch);
  const double left = step_seconds * (static_cast<double>(view.steps - view.step) +
                                      epochs_left * static_cast<double>(view.steps)) +
                      view.evaluation_seconds * static_cast<double>(view.evaluations_left);
  absl::StrAppend(&line, "  ", ShortDuration(absl::Seconds(left)), " left  ",
                  Bottleneck(view.waits));
  return line;
}

TrainDisplay::TrainDisplay(bool enabled, LogStyle style, std::FILE* lines, std::FILE* live)
    : enabled_(enabled), lines_(style == LogStyle::kJson ? live : lines), live_(enabled, live) {}

void TrainDisplay::Say(absl::string_view line) {
  if (!enabled_) return;
  live_.Erase();
  std::fprintf(lines_, "%s\n", std::string(line).c_str());
  std::fflush(lines_);
}

void TrainDisplay::Show(const TrainingView& view) {
  if (live_.IsDue()) live_.Show(LiveLine(view));
}

}  // namespace quadhop
