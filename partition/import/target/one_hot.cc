#include "partition/import/target/one_hot.h"

#include <algorithm>

#include "core/store/store.h"

namespace quadhop {

std::optional<std::vector<int32_t>> OneHotClasses(TensorView<const uint8_t> labels) {
  const int64_t width = labels.dim(1);
  if (width < 2) return std::nullopt;
  std::vector<int32_t> classes;
  for (int64_t v = 0; v < labels.dim(0); ++v) {
    const uint8_t* const row = labels.row(v);
    const int64_t ones = std::count(row, row + width, 1);
    const int64_t unlabelled = std::count(row, row + width, kUnlabelledMulti);
    if (unlabelled != width && (ones != 1 || unlabelled != 0)) return std::nullopt;
    classes.push_back(ones == 0 ? kUnlabelled
                                : static_cast<int32_t>(std::find(row, row + width, 1) - row));
  }
  return classes;
}

int64_t RowsWithoutAOne(TensorView<const uint8_t> labels) {
  const int64_t width = labels.dim(1);
  int64_t without = 0, single = 0;
  for (int64_t v = 0; v < labels.dim(0); ++v) {
    const uint8_t* const row = labels.row(v);
    const int64_t ones = std::count(row, row + width, 1);
    const int64_t unlabelled = std::count(row, row + width, kUnlabelledMulti);
    if (unlabelled == width) continue;
    if (ones > 1 || unlabelled > 0) return 0;
    single += ones;
    without += ones == 0 ? 1 : 0;
  }
  return width > 1 && single > 0 ? without : 0;
}

}  // namespace quadhop
