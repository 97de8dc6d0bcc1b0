#include "partition/import/tables/table_values.h"

#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_replace.h>
#include <absl/strings/strip.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "partition/import/text/text_fields.h"

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

bool IsThreeDigits(absl::string_view number) {
  return number.size() == 3 && number.find_first_not_of("0123456789") == number.npos;
}

// Whether what stands between the numbers of a list without brackets makes it one.
class Listing {
 public:
  void AddNumber(absl::string_view number) {
    ++count_;
    // In 1,234.56 the last number has a point.
    if (count_ > 1)
      thousands_ = thousands_ && !points_ && IsThreeDigits(number.substr(0, number.find('.')));
    points_ = points_ || number.find('.') != absl::string_view::npos;
  }
  void AddSeparator(absl::string_view between) {
    const bool comma = between.find(',') != absl::string_view::npos;
    separated_ = separated_ && (comma || between.find(';') != absl::string_view::npos);
    mere_commas_ = mere_commas_ || between == ",";
  }
  bool is_list(bool decimal_comma) const {
    if (count_ < 2 || !separated_) return false;
    return !mere_commas_ || (!decimal_comma && (count_ > 2 || points_) && !thousands_);
  }
  int64_t count() const { return count_; }

 private:
  int64_t count_ = 0;
  bool points_ = false;
  bool thousands_ = true;
  bool separated_ = true;
  bool mere_commas_ = false;
};

// For an entry that is no number by itself.
template <typename Visit>
bool ForEachOfList(absl::string_view list, bool decimal_comma, const Visit& visit) {
  const bool bracketed = absl::ConsumePrefix(&list, "[");
  if (bracketed && !absl::ConsumeSuffix(&list, "]")) return false;
  Listing listing;
  float value;
  size_t at = list.find_first_not_of(kBetween);
  while (at != absl::string_view::npos) {
    const size_t end = std::min(list.find_first_of(kBetween, at), list.size());
    const absl::string_view number = list.substr(at, end - at);
    if (!absl::SimpleAtof(number, &value) || !visit(value)) return false;
    listing.AddNumber(number);
    at = list.find_first_not_of(kBetween, end);
    if (at != absl::string_view::npos) listing.AddSeparator(list.substr(end, at - end));
  }
  return bracketed ? listing.count() > 0 : listing.is_list(decimal_comma);
}

template <typename Visit>
bool ForEachNumber(absl::string_view entry, bool decimal_comma, const Visit& visit) {
  float value;
  if (MayBeHex(entry)) return false;
  if (absl::SimpleAtof(entry, &value)) return visit(value);
  if (absl::EqualsIgnoreCase(entry, "true")) return visit(1.0F);
  if (absl::EqualsIgnoreCase(entry, "false")) return visit(0.0F);
  if (decimal_comma && TakeDecimalComma(entry, &value)) return visit(value);
  return ForEachOfList(entry, decimal_comma, visit);
}

}  // namespace

bool IsMissing(absl::string_view entry) {
  return entry.empty() ||
         IsOneOf(entry, {"nan", "-nan", "na", "n/a", "#n/a", "<na>", "nat", "null", "none", "\\n"});
}

bool IsUnlabelled(absl::string_view entry) {
  return IsMissing(entry) || IsOneOf(entry, {"unknown", "?"});
}

bool IsTrue(absl::string_view entry) { return IsOneOf(entry, {"true", "t"}) || IsValue(entry, 1); }

bool IsFalse(absl::string_view entry) {
  return IsMissing(entry) || IsOneOf(entry, {"false", "f"}) || IsValue(entry, 0);
}

int64_t CountNumbers(absl::string_view entry, bool decimal_comma) {
  int64_t count = 0;
  return ForEachNumber(entry, decimal_comma, [&](float) { return ++count > 0; }) ? count : 0;
}

bool IsNumberButForCommas(absl::string_view entry) {
  float value;
  return absl::StrContains(entry, ',') &&
         absl::SimpleAtof(absl::StrReplaceAll(entry, {{",", ""}}), &value);
}

bool TakeNumbers(absl::string_view entry, bool decimal_comma, int64_t count, float* out) {
  float* const end = out + count;
  const auto take = [&](float value) {
    if (out == end || std::isinf(value)) return false;
    *out++ = value;
    return true;
  };
  return ForEachNumber(entry, decimal_comma, take) && out == end;
}

}  // namespace quadhop
