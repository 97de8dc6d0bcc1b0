// Durations as the displays show them.
#pragma once

#include <absl/time/time.h>

#include <string>

namespace quadhop {

// "2h03m", "4m05s", "8s", "0.42s".
std::string ShortDuration(absl::Duration duration);

}  // namespace quadhop
