// Paths on the command line.
#pragma once

#include <absl/status/status.h>
#include <absl/strings/string_view.h>
#include <absl/types/span.h>

#include <string>

namespace quadhop {

// A usage error unless results may be written to `path`, which is --flag: it ends in one of
// `endings`, its folder is there (on the first rank's host, which writes), and it lies neither in a
// store nor in a checkpoint of a run, whose files it could replace.
absl::Status CheckOutput(absl::string_view flag, const std::string& path,
                         absl::Span<const absl::string_view> endings);

}  // namespace quadhop
