// What a model must beat: always answering the most frequent class.
#pragma once

#include <absl/status/statusor.h>

#include "core/store.h"

namespace quadhop {

// The share of the default split's labelled test nodes that have the class most frequent among its
// training nodes (the first of equal ones). NaN without labels, splits or test nodes, and for
// multi-label stores. Errors: Store's.
absl::StatusOr<double> MajorityClassTestAccuracy(const Store& store);

}  // namespace quadhop
