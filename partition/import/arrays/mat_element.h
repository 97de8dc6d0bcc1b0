// One variable of a level-5 .mat file, plain or compressed, checked by its tags. libmatio
// allocates memory on their word.
#pragma once

#include <absl/status/statusor.h>
#include <absl/types/span.h>

#include <cstdint>
#include <string>

namespace quadhop {

struct MatHead {
  std::string name;
  uint32_t array_class = 0;
  int64_t room = 0;  // of a sparse matrix: the most entries that it has
};
// The name of a class: "struct" for 2; "" for classes of numbers, of text and of sparse matrices.
absl::string_view OtherMatClass(uint32_t array_class);

// `element` is all bytes of an element of the file's top level behind its tag, in the other byte
// order if `swapped`. A compressed one is inflated from end to end, in pieces. kInvalidArgument,
// with the reason alone ("its name is said to have 9000 bytes, but only 40 are left"), unless it is
// an array of numbers or text, or a sparse matrix, whose parts lie within it and have the sizes
// that its dims say, or of another class, of which only the head is looked at; kDataLoss if it
// cannot be inflated.
absl::StatusOr<MatHead> CheckMatVariable(uint32_t type, absl::Span<const uint8_t> element,
                                         bool swapped);

}  // namespace quadhop
