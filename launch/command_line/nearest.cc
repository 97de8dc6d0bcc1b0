#include "launch/command_line/nearest.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace quadhop {
namespace {

// Levenshtein's: letters changed, missing and additional.
size_t Distance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> of_row(b.size() + 1);  // from the first i letters of a to the first j of b
  std::iota(of_row.begin(), of_row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = std::exchange(of_row[0], i + 1);
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t changed = diagonal + (a[i] != b[j]);
      diagonal = of_row[j + 1];
      of_row[j + 1] = std::min({changed, of_row[j] + 1, of_row[j + 1] + 1});
    }
  }
  return of_row.back();
}

// Without the dashes before a flag, in lower case.
std::string LettersOf(absl::string_view word) {
  word.remove_prefix(std::min(word.find_first_not_of('-'), word.size()));
  return absl::AsciiStrToLower(word);
}

}  // namespace

std::string DidYouMean(absl::string_view typed, absl::Span<const std::string> words) {
  const std::string letters = LettersOf(typed);
  const std::string* nearest = nullptr;
  size_t least = letters.size() < 5 ? 2 : 3;
  for (const std::string& word : words) {
    const std::string of_word = LettersOf(word);
    const size_t distance =
        letters.size() >= 3 && absl::StartsWith(of_word, letters) ? 1 : Distance(letters, of_word);
    if (distance >= least) continue;
    least = distance;
    nearest = &word;
  }
  return nearest == nullptr ? "" : absl::StrCat("; did you mean ", *nearest, "?");
}

}  // namespace quadhop
