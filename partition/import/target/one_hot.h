// Classes given as tables with a single 1 per row.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/arrays/tensor.h"

namespace quadhop {

// The column of the 1 in each row of labels of 0, 1 and kUnlabelledMulti, [N, L], L > 1;
// kUnlabelled for a row that has only the last. Nothing if any other row is not a single 1 beside
// zeros.
std::optional<std::vector<int32_t>> OneHotClasses(TensorView<const uint8_t> labels);

// How many rows are zeros alone, if all other labelled rows have a single 1 beside zeros: they may
// be classes in which unlabelled nodes have zeros. 0 if some row is neither, or none has a 1.
int64_t RowsWithoutAOne(TensorView<const uint8_t> labels);

}  // namespace quadhop
