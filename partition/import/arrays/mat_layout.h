// Whether a .mat file is whole, and where its variables stand. libmatio takes the end of a file
// that was cut short for the end of its variables, and allocates memory on the word of their
// headers.
#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <string>
#include <vector>

#include "partition/import/arrays/mat_element.h"

namespace quadhop {

// A variable of a file of level 5: bytes [begin, end) of it.
struct MatVariable {
  MatHead head;
  size_t begin = 0;
  size_t end = 0;
};

// The variables of a file of level 5; none for other files. Goes from variable to variable by the
// sizes in their headers. kInvalidArgument, naming the file and the byte, if a variable is
// impossible by its tags (mat_element.h) or is a sparse matrix of level 4, or if the last does not
// end where the file does. Version 7.3 is HDF5, which keeps the file's size itself: nothing is
// checked here.
absl::StatusOr<std::vector<MatVariable>> CheckMatIsWhole(const std::string& path);

// Bytes of the header of a file of level 5, before its first variable.
constexpr size_t kMatHeaderBytes = 128;

}  // namespace quadhop
