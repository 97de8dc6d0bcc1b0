#include "partition/import/target/node_values.h"

#include <absl/strings/str_cat.h>

#include <cmath>
#include <cstdint>
#include <string>

#include "partition/import/arrays/array_source.h"

namespace quadhop {

namespace {

// For a value that is no whole number.
std::string AdviceOnRegression(double value) {
  if (!(std::abs(value) < INT32_MAX) || value == std::floor(value)) return "";
  return absl::StrCat("; ", kAdviceOnRegression, ", and give these in its place or as --labels");
}

}  // namespace

absl::Status WrongClass(absl::string_view place, double value) {
  return ArrayError(
      place, absl::StrCat(value),
      absl::StrCat("a class is a whole number in [0, ", INT32_MAX,
                   "), or nan or -1 if a node is unlabelled", AdviceOnRegression(value)));
}

absl::Status WrongMultiLabel(absl::string_view place, double value) {
  return ArrayError(
      place, absl::StrCat(value),
      absl::StrCat("labels of several columns are a multi-label target, where each is 0, 1 or nan",
                   AdviceOnRegression(value)));
}

absl::Status WrongFeature(absl::string_view place, absl::string_view value) {
  return ArrayError(place, value, "features must be finite numbers of 32 bits: fill or scale them");
}

}  // namespace quadhop
