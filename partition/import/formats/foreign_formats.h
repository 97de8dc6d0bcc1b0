// Formats of graphs that are known by their names, but not read.
#pragma once

#include <absl/status/status.h>

#include <string>

namespace quadhop {

// kInvalidArgument, naming the format and what to do instead, if the file's name ends as those of
// one of them.
absl::Status CheckNotForeign(const std::string& path);

}  // namespace quadhop
