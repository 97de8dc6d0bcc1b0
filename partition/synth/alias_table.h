// Draws from a discrete distribution in constant time: Walker's alias method, set up as in Vose, "A
// linear algorithm for generating random numbers with a given distribution", IEEE TSE 17 (1991).
#pragma once

#include <absl/types/span.h>

#include <cstdint>
#include <vector>

#include "core/base/rng.h"

namespace quadhop {

// Immutable, so thread-safe.
class AliasTable {
 public:
  AliasTable() = default;
  // Item i is drawn with probability weights[i] / sum. Weights are >= 0, at least one is > 0;
  // fewer than 2^32 of them.
  explicit AliasTable(absl::Span<const double> weights);

  int64_t size() const { return static_cast<int64_t>(slots_.size()); }

  // One Next64 a draw: its high bits choose the slot, its low bits between the two items of a slot.
  int64_t Draw(RandomStream& random) const {
    const unsigned __int128 product =
        static_cast<unsigned __int128>(random.Next64()) * slots_.size();
    const uint64_t at = static_cast<uint64_t>(product >> 64);
    const Slot& slot = slots_[at];
    return static_cast<uint32_t>(static_cast<uint64_t>(product) >> 32) < slot.keep_below
               ? static_cast<int64_t>(at)
               : static_cast<int64_t>(slot.alias);
  }

 private:
  struct Slot {
    uint32_t keep_below;  // of 2^32
    uint32_t alias;
  };
  std::vector<Slot> slots_;
};

}  // namespace quadhop
