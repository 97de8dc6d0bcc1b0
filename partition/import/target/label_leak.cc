#include "partition/import/target/label_leak.h"

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <cstddef>

#include "core/store/store.h"

namespace quadhop {
namespace {

constexpr int64_t kLeastLabelled = 50;
// A class may have several values: codes of its spellings.
constexpr size_t kMostValuesAClass = 2;
// Values that hardly repeat tell every class, whatever they are.
constexpr size_t kLeastNodesAValue = 2;

bool IsCopy(TensorView<const float> x, int64_t column, absl::Span<const int32_t> labels,
            size_t most_values) {
  absl::flat_hash_map<float, int32_t> label_of;
  for (size_t v = 0; v < labels.size(); ++v) {
    if (labels[v] == kUnlabelled) continue;
    const float value = x.row(static_cast<int64_t>(v))[column];
    const auto [of_value, is_new] = label_of.try_emplace(value, labels[v]);
    // As soon as the value is that of two classes, or there are too many, other rows are not read.
    if (is_new ? label_of.size() > most_values : of_value->second != labels[v]) return false;
  }
  return true;
}

}  // namespace

int64_t ColumnOfLabels(TensorView<const float> x, absl::Span<const int32_t> labels) {
  const auto is_labelled = [](int32_t label) { return label != kUnlabelled; };
  const auto num_labelled = std::count_if(labels.begin(), labels.end(), is_labelled);
  if (num_labelled < kLeastLabelled) return -1;
  absl::flat_hash_set<int32_t> classes;
  for (const int32_t label : labels)
    if (is_labelled(label)) classes.insert(label);
  if (classes.size() < 2) return -1;
  const size_t most_values = std::min(kMostValuesAClass * classes.size(),
                                      static_cast<size_t>(num_labelled) / kLeastNodesAValue);
  for (int64_t column = 0; column < x.dim(1); ++column)
    if (IsCopy(x, column, labels, most_values)) return column;
  return -1;
}

}  // namespace quadhop
