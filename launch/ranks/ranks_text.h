// Numbers of ranks in messages.
#pragma once

#include <absl/strings/str_cat.h>

#include <cstdint>
#include <string>

namespace quadhop {

// "1 rank", "2 ranks"
inline std::string RanksText(int64_t ranks) {
  return absl::StrCat(ranks, ranks == 1 ? " rank" : " ranks");
}

}  // namespace quadhop
