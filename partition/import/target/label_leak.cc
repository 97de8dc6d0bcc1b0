#include "partition/import/target/label_leak.h"

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <algorithm>

#include "core/store/store.h"

namespace quadhop {
namespace {

constexpr int64_t kLeastLabelled = 50;

bool IsCopy(TensorView<const float> x, int64_t column, absl::Span<const int32_t> labels) {
  absl::flat_hash_map<int32_t, float> value_of;
  absl::flat_hash_set<float> values;
  for (size_t v = 0; v < labels.size(); ++v) {
    if (labels[v] == kUnlabelled) continue;
    const float value = x.row(static_cast<int64_t>(v))[column];
    const auto [of_label, is_new] = value_of.try_emplace(labels[v], value);
    // As soon as the value is that of two classes, or the class has two, other rows are not read.
    if (is_new ? !values.insert(value).second : of_label->second != value) return false;
  }
  return values.size() > 1;
}

}  // namespace

int64_t ColumnOfLabels(TensorView<const float> x, absl::Span<const int32_t> labels) {
  const auto is_labelled = [](int32_t label) { return label != kUnlabelled; };
  if (std::count_if(labels.begin(), labels.end(), is_labelled) < kLeastLabelled) return -1;
  for (int64_t column = 0; column < x.dim(1); ++column)
    if (IsCopy(x, column, labels)) return column;
  return -1;
}

}  // namespace quadhop
