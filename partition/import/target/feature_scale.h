// Whether features can be learned from as they stand.
#pragma once

#include <absl/types/span.h>

#include <cstdint>
#include <string>

#include "core/arrays/tensor.h"

namespace quadhop {

// For people: which columns of x [N, F] a model in 32 bits would see instead of the others, or not
// at all: those far larger than the others, hardly changing beside their mean, or beyond what can
// be squared. Or that all are too small. "": none of these. Judged by 10,000 rows at most, spread
// evenly. names [F], or empty.
std::string NoteOnScale(TensorView<const float> x, absl::Span<const std::string> names = {});

// "feature NAME", or, without names, "feature 2 counted from 0".
std::string FeatureName(int64_t column, absl::Span<const std::string> names);

// Whether x [N, F] has several rows, and all are equal.
bool AreTheSameForAll(TensorView<const float> x);

}  // namespace quadhop
