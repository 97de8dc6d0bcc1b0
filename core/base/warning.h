// Warnings for whoever runs the program: what goes on, though not as it should.
#pragma once

#include <absl/strings/string_view.h>

namespace quadhop {

// "quadhop: warning: TEXT", a line on stderr. Written at once, so that lines of several ranks do
// not mix. Thread-safe.
void PrintWarning(absl::string_view text);

}  // namespace quadhop
