// Why an input is in no format that is recognised.
#pragma once

#include <absl/status/status.h>

#include <string>

namespace quadhop {

// What is wrong with the file: it is empty, cannot be read, is damaged, is a text without a line of
// numbers, or an archive that holds other things, which are listed. OK if nothing more is known.
absl::Status WhyUnrecognised(const std::string& from);

}  // namespace quadhop
