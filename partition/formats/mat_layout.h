// Whether a .mat file is whole. libmatio takes the end of a file that was cut short for the end of
// its variables, and memory on the word of their headers.
#pragma once

#include <absl/status/status.h>

#include <string>

namespace quadhop {

// Goes from variable to variable by the sizes in their headers. kInvalidArgument, naming the file
// and the byte, if one of them says what cannot be (mat_element.h), or the last does not end where
// the file does. Version 7.3 is HDF5, which keeps the file's size itself: nothing is checked here.
absl::Status CheckMatIsWhole(const std::string& path);

}  // namespace quadhop
