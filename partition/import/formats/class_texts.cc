#include "partition/import/formats/class_texts.h"

#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "core/store.h"

namespace quadhop {
namespace {

// Numbers before names, by value; so those that are equal are one.
using ClassKey = std::pair<double, std::string>;
constexpr double kOfNames = HUGE_VAL;
constexpr double kMostExact = 9007199254740992.0;  // 2^53

ClassKey KeyOf(const std::string& text) {
  double value;
  if (absl::SimpleAtod(text, &value) && std::abs(value) < kMostExact) return {value, ""};
  return {kOfNames, text};
}

bool IsName(const ClassKey& key) { return key.first == kOfNames; }

}  // namespace

bool IsUnlabelled(absl::string_view text) {
  if (text.empty()) return true;
  for (const absl::string_view word : {"nan", "na", "n/a", "null", "none", "unknown", "?", "-1"})
    if (absl::EqualsIgnoreCase(text, word)) return true;
  double value;  // as pandas writes whole numbers of a column that has a nan
  return absl::SimpleAtod(text, &value) && value == -1;
}

absl::Status ClassTexts::Add(const absl::flat_hash_set<absl::string_view>& texts) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const absl::string_view text : texts) {
    if (IsUnlabelled(text)) continue;
    classes_.try_emplace(std::string(text), kUnlabelled);
    if (classes_.size() > kMostClasses)
      return absl::InvalidArgumentError(
          absl::StrCat(place_, " has more than ", kMostClasses,
                       " different labels: name the column of classes, --label NAME"));
  }
  return absl::OkStatus();
}

absl::Status ClassTexts::Number() {
  std::map<ClassKey, int32_t> keys;
  for (const auto& [text, unset] : classes_) keys.emplace(KeyOf(text), kUnlabelled);
  const bool numbers =
      std::none_of(keys.begin(), keys.end(), [](const auto& entry) { return IsName(entry.first); });
  bool as_they_are = numbers;
  int32_t next = 0;
  for (auto& [key, number] : keys) {
    if (numbers && key.first != std::floor(key.first))
      return absl::InvalidArgumentError(
          absl::StrCat(place_, " has the label ", key.first,
                       ": classes are whole numbers or names; name another column, --label NAME"));
    as_they_are = as_they_are && key.first == next;
    number = next++;
    names_.push_back(IsName(key) ? key.second : absl::StrCat(static_cast<int64_t>(key.first)));
  }
  if (as_they_are) names_.clear();
  for (auto& [text, number] : classes_) number = keys.at(KeyOf(text));
  return absl::OkStatus();
}

int32_t ClassTexts::ClassOf(absl::string_view text) const {
  const auto found = classes_.find(text);
  return found == classes_.end() ? kUnlabelled : found->second;
}

std::vector<std::string> ClassTexts::Names() const { return names_; }

}  // namespace quadhop
