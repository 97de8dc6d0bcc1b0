// Numbers for the texts of a column.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <string>
#include <vector>

namespace quadhop {

// Numbers the texts from 0 in the order of their bytes, and returns them in it.
template <typename Number>
std::vector<std::string> NumberInOrder(absl::flat_hash_map<std::string, Number>* numbers) {
  std::vector<std::string> texts;
  for (const auto& [text, number] : *numbers) texts.push_back(text);
  std::sort(texts.begin(), texts.end());
  Number next = 0;
  for (const std::string& text : texts) (*numbers)[text] = next++;
  return texts;
}

}  // namespace quadhop
