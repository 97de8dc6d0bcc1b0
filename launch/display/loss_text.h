// A loss, for people.
#pragma once

#include <absl/strings/str_format.h>

#include <string>

namespace quadhop {

// "0.4711"; "2.4e+17" of one that has grown out of bounds.
inline std::string LossText(double loss) {
  return loss >= 1e5 ? absl::StrFormat("%.2g", loss) : absl::StrFormat("%.4f", loss);
}

}  // namespace quadhop
