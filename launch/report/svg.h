// Charts as inline SVG: coordinates, ticks, lines, bars, maps. Colours are variables of the page
// (page.h), so that one picture is right in light and in dark.
#pragma once

#include <absl/strings/string_view.h>

#include <string>
#include <vector>

#include "launch/report/run_record.h"

namespace quadhop {

// Escapes text for HTML and SVG.
std::string Escape(absl::string_view text);

// The labels of the axes: a name and, in brackets, a unit.
struct Axes {
  std::string title;  // of the whole chart, for screen readers
  std::string x;
  std::string y;
};

struct Series {
  std::string name;
  size_t color = 0;  // number of a colour of the page, which repeat from the ninth on
  bool dashed = false;
  Points points;
};
// At least one series has a point.
std::string LineChart(const Axes& axes, const std::vector<Series>& series);

// Bars from 0, one per group and kind: beside each other, or stacked.
struct Bars {
  std::vector<std::string> groups;
  struct Kind {
    std::string name;
    size_t color = 0;
    std::vector<double> values;  // [groups]
  };
  std::vector<Kind> kinds;
  bool stacked = false;
};
std::string BarChart(const Axes& axes, const Bars& bars);

// Cells of shares in [0, 1], the larger the darker, each with a text that is shown under the
// pointer.
struct HeatMap {
  std::vector<std::string> rows, columns;
  std::vector<std::vector<double>> shares;      // [rows][columns]
  std::vector<std::vector<std::string>> notes;  // [rows][columns]
};
std::string HeatChart(const Axes& axes, const HeatMap& map);

// "1.2k", "35M", "0.013".
std::string ShortNumber(double value);

}  // namespace quadhop
