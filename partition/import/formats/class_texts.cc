#include "partition/import/formats/class_texts.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "core/store.h"
#include "partition/import/formats/table_values.h"

namespace quadhop {
namespace {

bool IsExactNumber(absl::string_view text, double* value) {
  constexpr double kMostExact = 9007199254740992.0;  // 2^53
  return absl::SimpleAtod(text, value) && std::abs(*value) < kMostExact;
}

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
                       " different labels: name the column of classes, --label NAME"));
  }
  return absl::OkStatus();
}

absl::Status ClassTexts::Number() {
  double value;
  if (std::all_of(classes_.begin(), classes_.end(),
                  [&](const auto& entry) { return IsExactNumber(entry.first, &value); }))
    return NumberByValue();
  NumberByName();
  return absl::OkStatus();
}

absl::Status ClassTexts::NumberByValue() {
  std::map<double, int32_t> numbers;
  double value;
  for (const auto& [text, unset] : classes_) {
    static_cast<void>(IsExactNumber(text, &value));  // all are
    numbers.emplace(value, kUnlabelled);
  }
  bool as_they_are = true;
  for (auto& [of, number] : numbers) {
    if (of != std::floor(of))
      return absl::InvalidArgumentError(
          absl::StrCat(place_, " has the label ", of,
                       ": classes are whole numbers or names; name another column, --label NAME"));
    number = static_cast<int32_t>(num_classes_++);
    as_they_are = as_they_are && of == number;
    names_.push_back(absl::StrCat(static_cast<int64_t>(of)));
  }
  if (as_they_are) names_.clear();
  for (auto& [text, number] : classes_) {
    static_cast<void>(IsExactNumber(text, &value));
    number = numbers.at(value);
  }
  return absl::OkStatus();
}

void ClassTexts::NumberByName() {
  for (const auto& [text, unset] : classes_) names_.push_back(text);
  std::sort(names_.begin(), names_.end());
  for (const std::string& name : names_) classes_[name] = static_cast<int32_t>(num_classes_++);
}

int32_t ClassTexts::ClassOf(absl::string_view text) const {
  const auto found = classes_.find(text);
  return found == classes_.end() ? kUnlabelled : found->second;
}

}  // namespace quadhop
