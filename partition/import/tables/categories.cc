#include "partition/import/tables/categories.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>

#include "partition/import/tables/number_in_order.h"
#include "partition/import/tables/table_values.h"

namespace quadhop {

absl::Status Categories::Add(const absl::flat_hash_set<std::string>& texts) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const std::string& text : texts) {
    if (!IsMissing(text))
      numbers_.try_emplace(text, 0);
    else if (!text.empty())
      missing_.insert(text);
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
  names_ = NumberInOrder(&numbers_);
  return absl::OkStatus();
}

std::string Categories::MissingText() const {
  std::vector<std::string> quoted;
  for (const std::string& text : missing_) quoted.push_back(absl::StrCat("\"", text, "\""));
  std::sort(quoted.begin(), quoted.end());
  if (quoted.empty()) return "";
  return absl::StrCat("; ", absl::StrJoin(quoted, " and "), quoted.size() == 1 ? " is" : " are",
                      " taken for missing, which is no category");
}

void Categories::TakeOneHot(absl::string_view text, float* out) const {
  std::fill_n(out, count(), 0.0F);
  if (const auto found = numbers_.find(text); found != numbers_.end()) out[found->second] = 1;
}

}  // namespace quadhop
