#include "partition/import/tables/categories.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <algorithm>

#include "partition/import/tables/number_in_order.h"
#include "partition/import/tables/table_values.h"
#include "partition/import/text/text_encoding.h"

namespace quadhop {
namespace {

constexpr size_t kMostShown = 10;

std::string TextOf(std::vector<std::string> texts, absl::string_view what) {
  if (texts.empty()) return "";
  std::sort(texts.begin(), texts.end());
  const size_t count = texts.size();
  if (count > kMostShown) texts.resize(kMostShown);
  for (std::string& text : texts) text = absl::StrCat("\"", Shown(text), "\"");
  if (count > kMostShown) texts.push_back(absl::StrCat(count - kMostShown, " more"));
  return absl::StrCat("; ", absl::StrJoin(texts, " and "), count == 1 ? " is " : " are ", what);
}

}  // namespace

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

void Categories::NumberAs(std::vector<std::string> names) {
  absl::flat_hash_map<std::string, int64_t> numbers;
  for (size_t i = 0; i < names.size(); ++i) numbers.emplace(names[i], static_cast<int64_t>(i));
  for (const auto& [text, unset] : numbers_)
    if (!numbers.contains(text)) unknown_.push_back(text);
  numbers_ = std::move(numbers);
  names_ = std::move(names);
}

std::string Categories::LeftOutText() const {
  return absl::StrCat(
      TextOf({missing_.begin(), missing_.end()}, "taken for missing, which is no category"),
      TextOf(unknown_, "none of these, and 0 in all"));
}

void Categories::TakeOneHot(absl::string_view text, float* out) const {
  std::fill_n(out, count(), 0.0F);
  if (const auto found = numbers_.find(text); found != numbers_.end()) out[found->second] = 1;
}

}  // namespace quadhop
