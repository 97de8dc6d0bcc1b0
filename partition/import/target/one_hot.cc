#include "partition/import/target/one_hot.h"

#include <algorithm>

#include "core/store/store.h"

namespace quadhop {

std::optional<OneHotRows> TakeOneHotRows(TensorView<const uint8_t> labels) {
  const int64_t width = labels.dim(1);
  if (width < 2) return std::nullopt;
  OneHotRows rows;
  for (int64_t v = 0; v < labels.dim(0); ++v) {
    const uint8_t* const row = labels.row(v);
    const int64_t ones = std::count(row, row + width, 1);
    const int64_t unlabelled = std::count(row, row + width, kUnlabelledMulti);
    if (unlabelled != width && (ones > 1 || unlabelled != 0)) return std::nullopt;
    rows.classes.push_back(ones == 0 ? kUnlabelled
                                     : static_cast<int32_t>(std::find(row, row + width, 1) - row));
    rows.num_labelled += ones;
    if (ones == 0 && unlabelled == 0) ++rows.num_zeros;
  }
  return rows;
}

}  // namespace quadhop
