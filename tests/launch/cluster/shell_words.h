// Words of a shell's command line.
#pragma once

#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <string>
#include <vector>

#include "launch/cluster/shell.h"

namespace quadhop {

// Each as ShellWord has it, separated by blanks.
inline std::string ShellWords(const std::vector<std::string>& words) {
  return absl::StrJoin(words, " ", [](std::string* out, const std::string& word) {
    absl::StrAppend(out, ShellWord(word));
  });
}

}  // namespace quadhop
