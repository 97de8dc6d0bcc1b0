// The arrays of an input under the names that it gives them.
#pragma once

#include <absl/status/statusor.h>

#include <functional>
#include <string>
#include <vector>

#include "partition/import/arrays/array_source.h"

namespace quadhop {

// Borrows the input that it opens them from.
struct NamedArrays {
  std::string place;  // of them all, for errors
  std::vector<std::string> names;
  std::function<absl::StatusOr<ArraySource>(const std::string& name)> open;

  bool Has(const std::string& name) const;
};

// The names in order, "a, b", as many as a message has room for: "... and 7 more".
std::string ListOfNames(std::vector<std::string> names);

}  // namespace quadhop
