#include "partition/import/tables/categories.h"

#include <absl/strings/str_cat.h>

#include <algorithm>

#include "partition/import/tables/table_values.h"

namespace quadhop {

absl::Status Categories::Add(const absl::flat_hash_set<std::string>& texts) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const std::string& text : texts) {
    if (!IsMissing(text)) numbers_.try_emplace(text, 0);
    if (numbers_.size() > kMost)
      return absl::InvalidArgumentError(
          absl::StrCat(place_, " has more than ", kMost,
                       " different texts, each of which --one-hot makes a feature: give features "
                       "of it as .npy, --features, or leave it out"));
  }
  return absl::OkStatus();
}

absl::Status Categories::Number() {
  if (numbers_.empty())
    return absl::InvalidArgumentError(
        absl::StrCat(place_, " has nothing for --one-hot: every entry is missing"));
  std::vector<std::string> texts;
  for (const auto& [text, unset] : numbers_) texts.push_back(text);
  std::sort(texts.begin(), texts.end());
  int64_t number = 0;
  for (const std::string& text : texts) numbers_[text] = number++;
  return absl::OkStatus();
}

std::vector<std::string> Categories::Names() const {
  std::vector<std::string> names(numbers_.size());
  for (const auto& [text, number] : numbers_) names[static_cast<size_t>(number)] = text;
  return names;
}

void Categories::TakeOneHot(absl::string_view text, float* out) const {
  std::fill_n(out, count(), 0.0F);
  if (const auto found = numbers_.find(text); found != numbers_.end()) out[found->second] = 1;
}

}  // namespace quadhop
