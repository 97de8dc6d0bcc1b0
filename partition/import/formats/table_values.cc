#include "partition/import/formats/table_values.h"

#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/strip.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "partition/import/formats/text_fields.h"

namespace quadhop {
namespace {

bool IsValue(absl::string_view entry, double wanted) {
  double value;
  return absl::SimpleAtod(entry, &value) && value == wanted;
}

// "0,5".
bool TakeDecimalComma(absl::string_view entry, float* value) {
  const size_t comma = entry.find(',');
  if (comma == absl::string_view::npos || comma + 1 == entry.size()) return false;
  std::string with_point(entry);
  with_point[comma] = '.';
  return absl::SimpleAtof(with_point, value);
}

constexpr absl::string_view kBetween = " ,;";

// A semicolon, or a comma and a blank.
bool IsClear(absl::string_view between) {
  return between.find(';') != absl::string_view::npos ||
         (between.size() > 1 && between.find(',') != absl::string_view::npos);
}

// Of what is no number by itself.
template <typename Visit>
bool ForEachOfList(absl::string_view list, const Visit& visit) {
  const bool bracketed = absl::ConsumePrefix(&list, "[");
  if (bracketed && !absl::ConsumeSuffix(&list, "]")) return false;
  bool clear = true;
  int64_t count = 0;
  float value;
  size_t at = list.find_first_not_of(kBetween);
  while (at != absl::string_view::npos) {
    const size_t end = std::min(list.find_first_of(kBetween, at), list.size());
    if (!absl::SimpleAtof(list.substr(at, end - at), &value) || !visit(value)) return false;
    ++count;
    at = list.find_first_not_of(kBetween, end);
    if (at != absl::string_view::npos) clear = clear && IsClear(list.substr(end, at - end));
  }
  return bracketed ? count > 0 : count > 2 || (clear && count > 1);
}

template <typename Visit>
bool ForEachNumber(absl::string_view entry, bool decimal_comma, const Visit& visit) {
  float value;
  if (absl::SimpleAtof(entry, &value)) return visit(value);
  if (absl::EqualsIgnoreCase(entry, "true")) return visit(1.0F);
  if (absl::EqualsIgnoreCase(entry, "false")) return visit(0.0F);
  if (decimal_comma && TakeDecimalComma(entry, &value)) return visit(value);
  return ForEachOfList(entry, visit);
}

}  // namespace

bool IsMissing(absl::string_view entry) {
  return entry.empty() ||
         IsOneOf(entry, {"nan", "na", "n/a", "#n/a", "<na>", "nat", "null", "none", "\\n"});
}

bool IsUnlabelled(absl::string_view entry) {
  return IsMissing(entry) || IsOneOf(entry, {"unknown", "?"}) || IsValue(entry, -1);
}

bool IsTrue(absl::string_view entry) { return IsOneOf(entry, {"true", "t"}) || IsValue(entry, 1); }

bool IsFalse(absl::string_view entry) {
  return IsMissing(entry) || IsOneOf(entry, {"false", "f"}) || IsValue(entry, 0);
}

int64_t CountNumbers(absl::string_view entry, bool decimal_comma) {
  int64_t count = 0;
  return ForEachNumber(entry, decimal_comma, [&](float) { return ++count > 0; }) ? count : 0;
}

bool TakeNumbers(absl::string_view entry, bool decimal_comma, int64_t count, float* out) {
  float* const end = out + count;
  const auto take = [&](float value) {
    if (out == end || !std::isfinite(value)) return false;
    *out++ = value;
    return true;
  };
  return ForEachNumber(entry, decimal_comma, take) && out == end;
}

}  // namespace quadhop
