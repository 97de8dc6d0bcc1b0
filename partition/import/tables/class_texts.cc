#include "partition/import/tables/class_texts.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <absl/strings/strip.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <optional>
#include <utility>

#include "core/store/store.h"
#include "partition/import/tables/number_in_order.h"
#include "partition/import/tables/table_values.h"
#include "partition/import/target/node_values.h"
#include "partition/import/text/text_encoding.h"

namespace quadhop {
namespace {

// The number in the text; none for 01, which is a name.
std::optional<double> ExactNumber(absl::string_view text) {
  constexpr double kMostExact = 9007199254740992.0;  // 2^53
  const absl::string_view digits = absl::StripPrefix(text, "-");
  const bool has_zero_before =
      digits.size() > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9';
  double value;
  if (has_zero_before || !absl::SimpleAtod(text, &value) || !(std::abs(value) < kMostExact))
    return std::nullopt;
  return value;
}

constexpr double kMinusOne = -1;

bool IsInBrackets(absl::string_view label) {
  return (absl::StartsWith(label, "[") && absl::EndsWith(label, "]")) ||
         (absl::StartsWith(label, "{") && absl::EndsWith(label, "}")) ||
         (absl::StartsWith(label, "(") && absl::EndsWith(label, ")"));
}

std::vector<absl::string_view> PartsOf(absl::string_view label) {
  std::vector<absl::string_view> parts;
  for (const absl::string_view part : absl::StrSplit(label, absl::ByAnyChar(";|")))
    if (const absl::string_view name = absl::StripAsciiWhitespace(part); !name.empty())
      parts.push_back(name);
  return parts;
}

bool IsList(absl::string_view label) { return IsInBrackets(label) || PartsOf(label).size() > 1; }

}  // namespace

absl::string_view SeveralLabels(absl::Span<const absl::string_view> labels) {
  absl::flat_hash_set<absl::string_view> distinct;
  absl::string_view first;
  size_t num_lists = 0, num_labels = 0;
  for (const absl::string_view label : labels) {
    if (IsUnlabelled(label)) continue;
    ++num_labels;
    distinct.insert(label);
    if (!IsList(label)) continue;
    ++num_lists;
    if (first.empty()) first = label;
  }
  if (2 * num_lists > num_labels) return first;
  absl::flat_hash_map<absl::string_view, int> count_of;  // of the labels that have this part
  for (const absl::string_view label : distinct)
    for (const absl::string_view part : PartsOf(label)) ++count_of[part];
  for (const absl::string_view label : labels) {
    const std::vector<absl::string_view> parts = PartsOf(label);
    if (parts.size() > 1 && std::all_of(parts.begin(), parts.end(),
                                        [&](absl::string_view part) { return count_of[part] > 1; }))
      return label;
  }
  return {};
}

absl::Status ClassTexts::Add(const absl::flat_hash_set<std::string>& texts) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const std::string& text : texts) {
    if (IsUnlabelled(text))
      unlabelled_.insert(text);
    else
      classes_.try_emplace(text, kUnlabelled);
    if (classes_.size() > kMostClasses)
      return absl::InvalidArgumentError(
          absl::StrCat(place_, " has more than ", kMostClasses,
                       " different labels: name the column of classes, --label COLUMN"));
  }
  return absl::OkStatus();
}

absl::Status ClassTexts::Number() {
  if (std::all_of(classes_.begin(), classes_.end(),
                  [](const auto& entry) { return ExactNumber(entry.first).has_value(); }))
    return NumberByValue();
  LeaveOutMinusOne();
  NumberByName();
  return absl::OkStatus();
}

absl::Status ClassTexts::NumberAs(int64_t num_classes, std::vector<std::string> names) {
  num_classes_ = num_classes;
  absl::flat_hash_map<std::string, int32_t> by_name;
  std::map<double, int32_t> by_value;
  for (int32_t i = 0; i < num_classes; ++i) {
    const std::string name = names.empty() ? absl::StrCat(i) : names[static_cast<size_t>(i)];
    by_name.emplace(name, i);
    if (const auto value = ExactNumber(name); value.has_value()) by_value.emplace(*value, i);
  }
  names_ = std::move(names);
  if (!by_value.contains(kMinusOne)) LeaveOutMinusOne();
  for (auto& [text, number] : classes_) {
    const std::optional<double> value = ExactNumber(text);
    if (const auto found = by_name.find(text); found != by_name.end())
      number = found->second;
    else if (value.has_value() && by_value.contains(*value))
      number = by_value[*value];
    else
      return absl::InvalidArgumentError(
          absl::StrCat(place_, " has the label \"", Shown(text), "\", which is none of the ",
                       num_classes, " classes there: leave it empty where it is not known"));
  }
  return absl::OkStatus();
}

void ClassTexts::LeaveOutMinusOne() {
  absl::erase_if(classes_, [&](const auto& entry) {
    const bool is_it = ExactNumber(entry.first) == kMinusOne;
    if (is_it) unlabelled_.insert(entry.first);
    return is_it;
  });
}

absl::Status ClassTexts::NumberByValue() {
  std::map<double, int32_t> numbers;
  for (const auto& [text, unset] : classes_) numbers.emplace(*ExactNumber(text), kUnlabelled);
  const bool has_signs = numbers.size() == 2 && numbers.contains(1);  // as for SVMs
  if (!numbers.empty() && numbers.begin()->first == kMinusOne && !has_signs) {
    numbers.erase(kMinusOne);
    LeaveOutMinusOne();
  }
  bool as_they_are = true;
  for (auto& [of, number] : numbers) {
    if (of != std::floor(of))
      return absl::InvalidArgumentError(absl::StrCat(
          place_, " has the label ", of,
          ": classes are whole numbers or names; name another column, --label COLUMN; or, as ",
          kAdviceOnRegression, ", and give these as --labels"));
    number = static_cast<int32_t>(num_classes_++);
    as_they_are = as_they_are && of == number;
    names_.push_back(absl::StrCat(static_cast<int64_t>(of)));
  }
  if (as_they_are) names_.clear();
  for (auto& [text, number] : classes_) number = numbers.at(*ExactNumber(text));
  return absl::OkStatus();
}

void ClassTexts::NumberByName() {
  names_ = NumberInOrder(&classes_);
  num_classes_ = static_cast<int64_t>(names_.size());
}

int32_t ClassTexts::ClassOf(absl::string_view text) const {
  const auto found = classes_.find(text);
  return found == classes_.end() ? kUnlabelled : found->second;
}

}  // namespace quadhop
