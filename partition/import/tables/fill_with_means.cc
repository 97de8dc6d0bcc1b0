#include "partition/import/tables/fill_with_means.h"

#include <absl/strings/str_cat.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "core/base/casts.h"
#include "core/base/counted.h"

namespace quadhop {

std::string FillWithMeans(TensorView<float> features, const std::vector<double>* like) {
  const int64_t num_nodes = features.dim(0), width = features.dim(1);
  std::vector<double> means(AsSize(width));
  std::vector<int64_t> counts(AsSize(width));
  for (int64_t node = 0; node < num_nodes; ++node)
    for (size_t i = 0; i < means.size(); ++i) {
      const float value = features.row(node)[i];
      if (std::isnan(value)) continue;
      means[i] += static_cast<double>(value);
      ++counts[i];
    }
  int64_t num_missing = 0, num_columns = 0;
  for (size_t i = 0; i < means.size(); ++i) {
    if (like != nullptr)
      means[i] = (*like)[i];
    else if (counts[i] > 0)
      means[i] /= AsDouble(counts[i]);
    num_missing += num_nodes - counts[i];
    num_columns += counts[i] < num_nodes;
  }
  for (int64_t node = 0; node < num_nodes; ++node)
    for (size_t i = 0; i < means.size(); ++i)
      if (float& value = features.row(node)[i]; std::isnan(value))
        value = static_cast<float>(means[i]);
  return absl::StrCat(Counted(num_missing, "missing feature"), " in ",
                      Counted(num_columns, "column"), num_missing == 1 ? " is" : " are",
                      " set to the mean of ", like == nullptr ? "the others" : "--like");
}

}  // namespace quadhop
