// Reads the text of a config as assignments "sampler.sampled_nodes = 20", each with its place.
//
// Protobuf's own text parser stops at the first wrong value (and says where fields stood only if
// the text is right as a whole); here all faults are to be reported together and with their lines,
// out-of-range values included.
#pragma once

#include <absl/strings/string_view.h>

#include <string>
#include <vector>

namespace quadhop {

struct Assignment {
  std::string field;  // "sampler.sampled_nodes"
  std::string value;  // as written
  std::string place;  // "my.textproto:3" or "--set sampler.sampled_nodes=20"
};

// `text` with \xNN in place of what is not printable ASCII, for files that are not configs.
std::string Printable(absl::string_view text);

// The assignments of a textproto of nested messages and scalar fields, in order. What cannot be
// read is added to `faults`, one message per fault, and reading goes on at the next field if that
// is possible.
std::vector<Assignment> ReadAssignments(absl::string_view text, absl::string_view file_name,
                                        std::vector<std::string>* faults);

}  // namespace quadhop
