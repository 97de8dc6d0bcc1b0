#include "partition/import/target/node_values.h"

#include <absl/strings/str_cat.h>

#include "partition/import/arrays/array_source.h"

namespace quadhop {

absl::Status WrongClass(absl::string_view place, double value) {
  return ArrayError(place, absl::StrCat(value),
                    absl::StrCat("a class is a whole number in [0, ", INT32_MAX,
                                 "), or nan or -1 if a node is unlabelled"));
}

absl::Status WrongMultiLabel(absl::string_view place, double value) {
  return ArrayError(
      place, absl::StrCat(value),
      "labels of several columns are a multi-label target, where each is 0, 1 or nan");
}

absl::Status WrongFeature(absl::string_view place, absl::string_view value) {
  return ArrayError(place, value, "features must be finite numbers of 32 bits: fill or scale them");
}

}  // namespace quadhop
