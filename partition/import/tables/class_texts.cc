#include "partition/import/tables/class_texts.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/strip.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "core/store/store.h"
#include "partition/import/tables/number_in_order.h"
#include "partition/import/tables/table_values.h"

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

}  // namespace

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
          ": classes are whole numbers or names; name another column, --label COLUMN"));
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
