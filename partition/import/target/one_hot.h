// Classes given as tables with a single 1 per row.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/arrays/tensor.h"

namespace quadhop {

struct OneHotRows {
  std::vector<int32_t> classes;  // [N]: the column of the 1; kUnlabelled without one
  int64_t num_labelled = 0;      // rows with a 1
  int64_t num_zeros = 0;         // rows of zeros alone
};

// Labels of 0, 1 and kUnlabelledMulti, [N, L], L > 1, of which every row is a single 1 beside
// zeros, zeros alone, or kUnlabelledMulti alone. Nothing if any row is another.
std::optional<OneHotRows> TakeOneHotRows(TensorView<const uint8_t> labels);

}  // namespace quadhop
