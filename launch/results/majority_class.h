// What a model must beat: always answering the most frequent class.
#pragma once

#include <absl/status/statusor.h>

#include <string>

#include "core/store/store.h"
#include "launch/session/class_counts.h"

namespace quadhop {

// The share of the split's labelled test nodes that have the class most frequent among its training
// nodes (the first of equal ones). split: "" is the default one. NaN without labels, splits or test
// nodes, and for multi-label stores. Reads all labels. Errors are the store's.
absl::StatusOr<double> MajorityClassTestAccuracy(const Store& store, const std::string& split);
// The same of a split whose classes were counted. NaN without test nodes.
double MajorityClassTestAccuracy(const ClassCounts& counts);

}  // namespace quadhop
