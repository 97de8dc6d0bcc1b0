// Sums of weights by label, for a few labels of many.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace quadhop {

// Costs as much as what is added, however many labels there could be. Not thread-safe: one a
// worker.
class Votes {
 public:
  explicit Votes(size_t num_labels) : sums_(num_labels) {}

  void Add(uint32_t label, int64_t weight) {  // weight >= 1
    if (sums_[label] == 0) labels_.push_back(label);
    sums_[label] += weight;
  }
  int64_t Of(uint32_t label) const { return sums_[label]; }
  const std::vector<uint32_t>& labels() const { return labels_; }  // in the order of coming
  void SortLabels() { std::sort(labels_.begin(), labels_.end()); }
  void Clear() {
    for (const uint32_t label : labels_) sums_[label] = 0;
    labels_.clear();
  }

 private:
  std::vector<int64_t> sums_;
  std::vector<uint32_t> labels_;
};

}  // namespace quadhop
