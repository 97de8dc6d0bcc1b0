// Sums of weights by label, for a few labels of many.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace quadhop {

// Costs as much as what is added, however many labels there could be. Not thread-safe: one per
// worker.
class Votes {
 public:
  explicit Votes(size_t num_labels) : sums_(num_labels) {}

  void Add(uint32_t label, int64_t weight) {  // weight >= 1
    if (sums_[label] == 0) labels_.push_back(label);
    sums_[label] += weight;
  }
  // Prefetches what Add and Of read.
  void Prefetch(uint32_t label) const { __builtin_prefetch(&sums_[label]); }
  int64_t Of(uint32_t label) const { return sums_[label]; }
  const std::vector<uint32_t>& labels() const { return labels_; }  // in the order of arrival
  size_t size() const { return labels_.size(); }
  // visit(label, sum), in the order of arrival
  template <typename Visit>
  void ForEach(const Visit& visit) const {
    for (const uint32_t label : labels_) visit(label, sums_[label]);
  }
  void SortLabels() { std::sort(labels_.begin(), labels_.end()); }
  void Clear() {
    for (const uint32_t label : labels_) sums_[label] = 0;
    labels_.clear();
  }

 private:
  std::vector<int64_t> sums_;
  std::vector<uint32_t> labels_;
};

// Adds to votes in batches. Sums of many labels lie anywhere in memory, and whether a label is new
// depends on its sum: prefetched together, they are waited for once, and not each after a
// mispredicted branch for the one before.
template <typename Sums>
class VoteBatch {
 public:
  explicit VoteBatch(Sums& votes) : votes_(votes) {}
  ~VoteBatch() { Flush(); }
  VoteBatch(const VoteBatch&) = delete;
  VoteBatch& operator=(const VoteBatch&) = delete;

  void Add(uint32_t label, int64_t weight) {
    votes_.Prefetch(label);
    batch_[size_++] = {label, weight};
    if (size_ == batch_.size()) Flush();
  }

 private:
  struct Vote {
    uint32_t label;
    int64_t weight;
  };
  void Flush() {
    for (size_t i = 0; i < size_; ++i) votes_.Add(batch_[i].label, batch_[i].weight);
    size_ = 0;
  }

  Sums& votes_;
  size_t size_ = 0;
  std::array<Vote, 64> batch_;
};

}  // namespace quadhop
