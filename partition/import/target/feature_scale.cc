#include "partition/import/target/feature_scale.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/threads/thread_pool.h"

namespace quadhop {
namespace {

constexpr int64_t kMostRows = 10000;
// Compared with the middle column, for one that is also large by itself; and for a mean, compared
// with the deviation of its column.
constexpr double kTooLarge = 100, kLarge = 10, kTooFarOff = 10000;
constexpr double kSmall = 0.2;         // of the length of a row
constexpr double kMostSquared = 1e15;  // sums over a row and a batch stay within float

struct Column {
  double mean = 0, variance = 0;
  double size() const { return std::sqrt(mean * mean + variance); }
  double deviation() const { return std::sqrt(variance); }
};

std::vector<Column> Measure(TensorView<const float> x) {
  const int64_t apart = NumBlocks(x.dim(0), kMostRows), rows = NumBlocks(x.dim(0), apart);
  // Relative to the first row, so that columns which do not change have a deviation of 0.
  const auto num_columns = static_cast<size_t>(x.dim(1));
  const float* const first = x.row(0);
  std::vector<double> sums(num_columns), squares(num_columns);
  for (int64_t v = 0; v < x.dim(0); v += apart) {
    const float* const row = x.row(v);
    for (size_t j = 0; j < num_columns; ++j) {
      const double beside = double{row[j]} - double{first[j]};
      sums[j] += beside;
      squares[j] += beside * beside;
    }
  }
  std::vector<Column> columns;
  for (size_t j = 0; j < num_columns; ++j) {
    const double beside = sums[j] / static_cast<double>(rows);
    columns.push_back({double{first[j]} + beside,
                       std::max(0.0, squares[j] / static_cast<double>(rows) - beside * beside)});
  }
  return columns;
}

// The lower of two in the middle, so that of two columns one can stand out.
double MedianSize(const std::vector<Column>& columns) {
  std::vector<double> sizes;
  for (const Column& column : columns)
    if (column.size() > 0) sizes.push_back(column.size());
  if (sizes.empty()) return 0;
  const auto middle = sizes.begin() + static_cast<std::ptrdiff_t>((sizes.size() - 1) / 2);
  std::nth_element(sizes.begin(), middle, sizes.end());
  return *middle;
}

// Root mean square.
double RowLength(const std::vector<Column>& columns) {
  double square = 0;
  for (const Column& column : columns) square += column.size() * column.size();
  return std::sqrt(square);
}

bool IsOutOfScale(const Column& column, double median_size) {
  const double deviation = column.deviation();
  return column.size() > kMostSquared ||
         (column.size() > kLarge && column.size() > kTooLarge * median_size) ||
         (deviation > 0 && std::abs(column.mean) > kTooFarOff * deviation);
}

}  // namespace

std::string FeatureName(int64_t column, absl::Span<const std::string> names) {
  return names.empty() ? absl::StrCat("feature ", column, " counted from 0")
                       : absl::StrCat("feature ", names[static_cast<size_t>(column)]);
}

std::string NoteOnScale(TensorView<const float> x, absl::Span<const std::string> names) {
  const std::vector<Column> columns = Measure(x);
  const double median_size = MedianSize(columns);
  const auto out_of_scale = [&](const Column& column) { return IsOutOfScale(column, median_size); };
  const auto first = std::find_if(columns.begin(), columns.end(), out_of_scale);
  const auto describe = [&](auto column) {
    return absl::StrFormat("%s (mean %.3g, deviation %.3g)",
                           FeatureName(column - columns.begin(), names), column->mean,
                           column->deviation());
  };
  if (first == columns.end()) {
    const double length = RowLength(columns);
    if (length == 0 || length >= kSmall) return "";
    return absl::StrFormat(
        "small: the features of a node, together, have length %.2g; a model hardly sees them",
        length);
  }
  const auto second = std::find_if(first + 1, columns.end(), out_of_scale);
  return absl::StrCat("out of scale: ", std::count_if(columns.begin(), columns.end(), out_of_scale),
                      " of ", columns.size(), " features, such as ", describe(first),
                      second == columns.end() ? "" : absl::StrCat(" and ", describe(second)),
                      "; a model sees little of the others, or of these");
}

bool AreTheSameForAll(TensorView<const float> x) {
  for (int64_t v = 1; v < x.dim(0); ++v)
    if (!std::equal(x.row(v), x.row(v) + x.dim(1), x.row(0))) return false;
  return x.dim(0) > 1;
}

}  // namespace quadhop
