// Whether a feature gives away what is to be learned.
#pragma once

#include <absl/types/span.h>

#include <cstdint>

#include "core/arrays/tensor.h"

namespace quadhop {

// The first column of x [N, F] each of whose values is that of one class alone, with twice as many
// values as classes at most, each of two labelled nodes on average: a copy of the labels, whatever
// their order. labels [N]; kUnlabelled does not count. -1 if there is none, if only one class
// occurs, or if fewer than 50 nodes are labelled, as it may be chance then.
int64_t ColumnOfLabels(TensorView<const float> x, absl::Span<const int32_t> labels);

}  // namespace quadhop
