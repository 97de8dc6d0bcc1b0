// What makes a sample the same wherever it is drawn: the rules that the samplers of CPU and GPU
// share. DESIGN.md section 4, sampling. The hash of pool entries is in entry_hash.h.
#pragma once

#include <cstdint>

#include "core/base/rng.h"

namespace quadhop {

// What a node key is mixed with, so that its uses are independent.
enum KeyUse : uint64_t { kFirstHop = 1, kSecondHop = 2, kPathDraws = 3, kGraphDraws = 4 };

// The key of the sample of one node. epoch: from 1 in training; sample i of evaluation is epoch -i.
constexpr uint64_t SampleKey(uint64_t seed, int64_t epoch, int64_t node) {
  return StreamKey(seed, RandomPurpose::kSample, static_cast<uint64_t>(epoch),
                   static_cast<uint64_t>(node));
}

// Draw i of the sequence whose first distinct values PATHS and samples of the whole graph take:
// uniform over [0, bound) to within one part in 2^64 / bound.
constexpr int64_t DrawBelow(uint64_t draws_key, uint64_t i, int64_t bound) {
  return static_cast<int64_t>(static_cast<uint64_t>(
      (static_cast<unsigned __int128>(Mix64(draws_key + i)) * static_cast<uint64_t>(bound)) >> 64));
}

// A member of the pool as one number; entries of equal hash are ordered by it. hop_bit: 0 for 1-hop
// entries, 1 for 2-hop ones.
constexpr uint64_t EntryOf(uint64_t node, uint64_t hop_bit) { return node << 1 | hop_bit; }
constexpr int64_t NodeOfEntry(uint64_t entry) { return static_cast<int64_t>(entry >> 1); }

// The first i in [0, n) with ends[i] > value, n if there is none; ends ascend.
constexpr int64_t FirstAbove(const int64_t* ends, int64_t n, int64_t value) {
  int64_t first = 0;
  while (n > 0) {
    const int64_t half = n / 2;
    if (ends[first + half] > value) {
      n = half;
    } else {
      first += half + 1;
      n -= half + 1;
    }
  }
  return first;
}

}  // namespace quadhop
