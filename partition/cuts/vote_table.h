// Votes in memory that depends on what a row has, not on the labels that there could be.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace quadhop {

// Like Votes (votes.h), but a hash table that grows with its labels and stays in a processor's
// first-level cache while they are few. Not thread-safe: one per worker.
class alignas(64) VoteTable {  // workers' tables share no cache line
 public:
  static constexpr size_t kLeastSlots = 256;
  static constexpr size_t kBytesASlot = 12;  // of those in use, while they grow

  // Holds up to most_slots / 2 labels; a power of two, at least kLeastSlots.
  explicit VoteTable(size_t most_slots) : most_slots_(most_slots) { Resize(kLeastSlots); }

  void Add(uint32_t label, int64_t weight) {  // weight >= 1
    size_t slot = Home(label);
    for (; slots_[slot] != 0; slot = Next(slot))
      if (labels_[slots_[slot] - 1] == label) {
        sums_[slots_[slot] - 1] += weight;
        return;
      }
    if (size_ == slots_in_use_ / 2) {
      if (slots_in_use_ >= most_slots_) {
        full_ = true;
      } else {
        Grow();
        Add(label, weight);
      }
      return;
    }
    labels_[size_] = label;
    sums_[size_] = weight;
    slots_[slot] = static_cast<uint32_t>(++size_);
  }
  // Prefetches what Add reads first.
  void Prefetch(uint32_t label) const { __builtin_prefetch(&slots_[Home(label)]); }
  // Whether there were more labels than it holds: sums are then not all there.
  bool full() const { return full_; }
  size_t size() const { return size_; }  // labels
  int64_t Of(uint32_t label) const {
    for (size_t slot = Home(label); slots_[slot] != 0; slot = Next(slot))
      if (labels_[slots_[slot] - 1] == label) return sums_[slots_[slot] - 1];
    return 0;
  }
  // visit(label, sum), in the order of arrival
  template <typename Visit>
  void ForEach(const Visit& visit) const {
    for (size_t i = 0; i < size_; ++i) visit(labels_[i], sums_[i]);
  }
  // Expects the next row to be about as long.
  void Clear() {
    Resize(std::min(slots_in_use_, std::bit_ceil(std::max(kLeastSlots, 2 * size_))));
    size_ = 0;
    full_ = false;
  }

 private:
  // Multiplicative hashing: the upper bits of a product with 2^64 over the golden ratio.
  size_t Home(uint32_t label) const { return (label * uint64_t{0x9e3779b97f4a7c15}) >> shift_; }
  size_t Next(size_t slot) const { return (slot + 1) & (slots_in_use_ - 1); }

  // Empties the slots; labels and sums stay.
  void Resize(size_t num_slots) {
    slots_in_use_ = num_slots;
    shift_ = 64 - std::countr_zero(num_slots);
    if (slots_.size() < num_slots) {
      slots_ = std::vector<uint32_t>();  // not two at a time
      slots_.resize(num_slots);
      labels_.resize(num_slots / 2);
      sums_.resize(num_slots / 2);
    } else {
      std::fill_n(slots_.begin(), num_slots, 0u);
    }
  }
  void Grow() {
    Resize(2 * slots_in_use_);
    for (size_t i = 0; i < size_; ++i) {
      size_t slot = Home(labels_[i]);
      while (slots_[slot] != 0) slot = Next(slot);
      slots_[slot] = static_cast<uint32_t>(i + 1);
    }
  }

  size_t most_slots_;
  size_t slots_in_use_ = 0;  // a power of two, twice the labels that they may hold
  int shift_ = 0;            // 64 less its logarithm
  size_t size_ = 0;
  bool full_ = false;
  std::vector<uint32_t> slots_;   // [>= slots_in_use_]: 1 + where the label is, or 0
  std::vector<uint32_t> labels_;  // [>= slots_in_use_ / 2], in the order of arrival
  std::vector<int64_t> sums_;     // likewise
};

}  // namespace quadhop
