#include "launch/report/svg_frame.h"

#include <absl/strings/str_format.h>

#include <algorithm>
#include <cmath>

namespace quadhop {
namespace {

constexpr double kMostSteps = 1e12;  // from 0; beyond, labels of ticks would be all the same

}  // namespace

std::vector<double> NiceTicks(double low, double high, int wanted) {
  if (!(high > low)) return {low};
  const double rough = (high - low) / std::max(1, wanted);
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {1.0, 2.0, 2.5, 5.0}) {
    if (factor * power < rough) continue;
    step = factor * power;
    break;
  }
  std::vector<double> ticks;
  const double first = std::ceil(low / step - 1e-9) + 0.0;  // -0 becomes 0
  if (std::abs(first) > kMostSteps) return {low};
  for (double i = first; i * step <= high + step * 1e-9; ++i) ticks.push_back(i * step);
  return ticks;
}

SvgFrame::SvgFrame(const Axes& axes) : axes_(axes) {}

void SvgFrame::SetX(double low, double high) {
  low_x_ = low;
  high_x_ = high == low ? low + 1 : high;
}

void SvgFrame::SetY(double low, double high) {
  low_y_ = low;
  high_y_ = high == low ? low + 1 : high;
}

double SvgFrame::X(double value) const {
  return kLeft + (value - low_x_) / (high_x_ - low_x_) * (kWidth - kLeft - kRight);
}

double SvgFrame::Y(double value) const {
  return kHeight - kBottom - (value - low_y_) / (high_y_ - low_y_) * (kHeight - kTop - kBottom);
}

void SvgFrame::AddTickX(double value, const std::string& text) {
  absl::StrAppendFormat(&ticks_,
                        "<text class='tick' x='%.1f' y='%.1f' text-anchor='middle'>%s</text>",
                        X(value), kHeight - kBottom + 18, Escape(text));
}

void SvgFrame::AddTickY(double value, const std::string& text) {
  absl::StrAppendFormat(&ticks_,
                        "<line class='grid' x1='%.1f' x2='%.1f' y1='%.1f' y2='%.1f'/>"
                        "<text class='tick' x='%.1f' y='%.1f' text-anchor='end'>%s</text>",
                        kLeft, kWidth - kRight, Y(value), Y(value), kLeft - 8, Y(value) + 4,
                        Escape(text));
}

void SvgFrame::Add(const std::string& svg) { body_ += svg; }

std::string SvgFrame::Finish() {
  const double middle_x = (kLeft + kWidth - kRight) / 2, middle_y = (kTop + kHeight - kBottom) / 2;
  return absl::StrFormat(
      "<svg viewBox='0 0 %.0f %.0f' role='img' aria-label='%s'>%s%s"
      "<text class='axis' x='%.1f' y='%.1f' text-anchor='middle'>%s</text>"
      "<text class='axis' x='14' y='%.1f' text-anchor='middle' transform='rotate(-90 14 %.1f)'>%s"
      "</text></svg>",
      kWidth, kHeight, Escape(axes_.title), ticks_, body_, middle_x, kHeight - 10, Escape(axes_.x),
      middle_y, middle_y, Escape(axes_.y));
}

}  // namespace quadhop
