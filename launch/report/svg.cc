#include "launch/report/svg.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/strings/str_replace.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "launch/report/svg_frame.h"

namespace quadhop {
namespace {

constexpr size_t kColors = 8;
constexpr size_t kManyPoints = 60;  // beyond, points have no dots of their own

std::string ColorOf(size_t color) { return absl::StrFormat("var(--c%d)", color % kColors); }

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  void Take(double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  void Widen(double share) {
    const double more = (high - low) * share;
    low -= more;
    high += more;
  }
};

void AddLine(const Series& series, SvgFrame& frame) {
  std::string path, dots;
  for (const auto& [x, y] : series.points) {
    if (!std::isfinite(y)) continue;
    const double at = frame.X(x);
    absl::StrAppendFormat(&path, "%s%.1f %.1f", path.empty() ? "M" : "L", at, frame.Y(y));
    if (series.points.size() <= kManyPoints)
      absl::StrAppendFormat(&dots,
                            "<circle cx='%.1f' cy='%.1f' r='2.6' fill='%s'><title>%s: %s at %s"
                            "</title></circle>",
                            at, frame.Y(y), ColorOf(series.color), Escape(series.name),
                            absl::StrFormat("%.5g", y), ShortNumber(x));
  }
  frame.Add(absl::StrFormat("<path class='line%s' stroke='%s' d='%s'><title>%s</title></path>%s",
                            series.dashed ? " dashed" : "", ColorOf(series.color), path,
                            Escape(series.name), dots));
}

void AddBar(const SvgFrame& frame, double x, double width, double from, double to,
            const Bars::Kind& kind, const std::string& group, std::string& svg) {
  absl::StrAppendFormat(&svg,
                        "<rect x='%.2f' y='%.2f' width='%.2f' height='%.2f' rx='1.5' fill='%s'>"
                        "<title>%s, %s: %s</title></rect>",
                        x, frame.Y(to), width, std::max(0.0, frame.Y(from) - frame.Y(to)),
                        ColorOf(kind.color), Escape(group), Escape(kind.name),
                        absl::StrFormat("%.4g", to - from));
}

double Highest(const Bars& bars) {
  double highest = 0;
  for (size_t g = 0; g < bars.groups.size(); ++g) {
    double sum = 0;
    for (const Bars::Kind& kind : bars.kinds) {
      highest = std::max(highest, kind.values[g]);
      sum += kind.values[g];
    }
    if (bars.stacked) highest = std::max(highest, sum);
  }
  return highest > 0 ? highest : 1;
}

}  // namespace

std::string Escape(absl::string_view text) {
  return absl::StrReplaceAll(
      text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"'", "&#39;"}, {"\"", "&quot;"}});
}

std::string ShortNumber(double value) {
  const double size = std::abs(value);
  for (const auto& [unit, name] :
       {std::pair<double, const char*>{1e9, "G"}, {1e6, "M"}, {1e3, "k"}}) {
    if (size >= unit * 0.9995) return absl::StrFormat("%.3g%s", value / unit, name);
  }
  return absl::StrFormat("%.3g", value);
}

std::string LineChart(const Axes& axes, const std::vector<Series>& series) {
  Range xs, ys;
  for (const Series& one : series) {
    for (const auto& [x, y] : one.points) {
      xs.Take(x);
      ys.Take(y);
    }
  }
  ys.Widen(0.06);
  SvgFrame frame(axes);
  frame.SetX(xs.low, xs.high);
  frame.SetY(ys.low, ys.high);
  for (const double tick : NiceTicks(ys.low, ys.high, 5)) frame.AddTickY(tick, ShortNumber(tick));
  for (const double tick : NiceTicks(xs.low, xs.high, 7)) frame.AddTickX(tick, ShortNumber(tick));
  for (const Series& one : series) AddLine(one, frame);
  return frame.Finish();
}

std::string BarChart(const Axes& axes, const Bars& bars) {
  SvgFrame frame(axes);
  const auto groups = static_cast<double>(bars.groups.size());
  frame.SetX(0, groups);
  frame.SetY(0, Highest(bars) * 1.05);
  for (const double tick : NiceTicks(0, Highest(bars) * 1.05, 5))
    frame.AddTickY(tick, ShortNumber(tick));
  const size_t every = bars.groups.size() / 9 + 1;  // names that there is room for
  const double room = frame.X(1) - frame.X(0);
  const double width =
      std::min(room * 0.8, bars.stacked ? 72.0 : 60.0 * static_cast<double>(bars.kinds.size()));
  std::string svg;
  for (size_t g = 0; g < bars.groups.size(); ++g) {
    const double middle = frame.X(static_cast<double>(g) + 0.5);
    if (g % every == 0) frame.AddTickX(static_cast<double>(g) + 0.5, bars.groups[g]);
    double base = 0;
    for (size_t k = 0; k < bars.kinds.size(); ++k) {
      const double value = bars.kinds[k].values[g];
      const double each = width / static_cast<double>(bars.kinds.size());
      if (bars.stacked)
        AddBar(frame, middle - width / 2, width, base, base + value, bars.kinds[k], bars.groups[g],
               svg);
      else
        AddBar(frame, middle - width / 2 + each * static_cast<double>(k), each * 0.94, 0, value,
               bars.kinds[k], bars.groups[g], svg);
      base += value;
    }
  }
  frame.Add(svg);
  return frame.Finish();
}

std::string HeatChart(const Axes& axes, const HeatMap& map) {
  SvgFrame frame(axes);
  const auto rows = static_cast<double>(map.rows.size());
  const auto columns = static_cast<double>(map.columns.size());
  frame.SetX(0, columns);
  frame.SetY(rows, 0);  // the first row on top
  const double width = frame.X(1) - frame.X(0), height = frame.Y(1) - frame.Y(0);
  std::string svg;
  for (size_t r = 0; r < map.rows.size(); ++r) {
    for (size_t c = 0; c < map.columns.size(); ++c) {
      if (map.shares[r][c] <= 0) continue;
      absl::StrAppendFormat(&svg,
                            "<rect class='cell' x='%.2f' y='%.2f' width='%.2f' height='%.2f' "
                            "fill-opacity='%.3f'><title>%s</title></rect>",
                            frame.X(static_cast<double>(c)), frame.Y(static_cast<double>(r)), width,
                            height, 0.06 + 0.94 * map.shares[r][c], Escape(map.notes[r][c]));
    }
  }
  frame.Add(svg);
  frame.Add(absl::StrFormat("<rect class='border' x='%.1f' y='%.1f' width='%.1f' height='%.1f'/>",
                            frame.X(0), frame.Y(0), width * columns, height * rows));
  const auto every = [](size_t names) { return names / 12 + 1; };
  for (size_t c = 0; c < map.columns.size(); c += every(map.columns.size()))
    frame.AddTickX(static_cast<double>(c) + 0.5, map.columns[c]);
  for (size_t r = 0; r < map.rows.size(); r += every(map.rows.size()))
    frame.Add(absl::StrFormat("<text class='tick' x='%.1f' y='%.1f' text-anchor='end'>%s</text>",
                              SvgFrame::kLeft - 8, frame.Y(static_cast<double>(r) + 0.5) + 4,
                              Escape(map.rows[r])));
  return frame.Finish();
}

}  // namespace quadhop
