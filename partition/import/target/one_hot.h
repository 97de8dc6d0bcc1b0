// Classes that stand as tables of a 1 a row.
#pragma once

#include <optional>
#include <vector>

#include "core/tensor.h"

namespace quadhop {

// The column of the 1 in each row of labels of 0, 1 and kUnlabelledMulti, [N, L], L > 1;
// kUnlabelled where a row has only the last. Nothing if another row has not a single 1 beside
// zeros.
std::optional<std::vector<int32_t>> OneHotClasses(TensorView<const uint8_t> labels);

}  // namespace quadhop
