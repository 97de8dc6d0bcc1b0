#include "core/base/warning.h"

#include <absl/strings/str_cat.h>

#include <cstdio>
#include <string>

namespace quadhop {

void PrintWarning(absl::string_view text) {
  const std::string line = absl::StrCat("quadhop: warning: ", text, "\n");
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace quadhop
