// The frame of a chart: where its data stand, its ticks and the names of its axes.
#pragma once

#include <string>
#include <vector>

#include "launch/report/svg.h"

namespace quadhop {

// About `wanted` values within [low, high], at a round step.
std::vector<double> NiceTicks(double low, double high, int wanted);

// A picture of fixed size, in units of its own; the page scales it.
class SvgFrame {
 public:
  static constexpr double kWidth = 560, kHeight = 320;
  static constexpr double kLeft = 64, kRight = 14, kTop = 12, kBottom = 52;

  explicit SvgFrame(const Axes& axes);

  // Data in [low, high] stand between the ends of the axis. Ends that are equal are moved apart.
  void SetX(double low, double high);
  void SetY(double low, double high);
  double X(double value) const;
  double Y(double value) const;

  void AddTickX(double value, const std::string& text);
  void AddTickY(double value, const std::string& text);  // and a line across
  void Add(const std::string& svg);
  std::string Finish();  // "<svg ...>...</svg>"

 private:
  Axes axes_;
  double low_x_ = 0, high_x_ = 1, low_y_ = 0, high_y_ = 1;
  std::string ticks_, body_;
};

}  // namespace quadhop
