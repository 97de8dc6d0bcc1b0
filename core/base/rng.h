// Counter-based randomness: every draw is a pure function of (seed, purpose, place, draw), so
// results do not depend on ranks, threads or order, and a GPU can make the same draws.
//
// Philox4x32-10: Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace quadhop {

// What a draw is for. Streams of different purposes are independent. Values are part of a run's
// identity: append only.
enum class RandomPurpose : uint32_t {
  kSample = 1,        // 2-hop sampling (place: epoch, node)
  kEpochOrder = 2,    // order of training nodes (place: epoch, partition)
  kWeights = 3,       // initial weights (place: parameter)
  kInputDropout = 4,  // node-level dropouts (place: step, node); one purpose per layer
  kTokenDropout = 5,
  kAttentionOutDropout = 6,
  kResidualDropout = 7,
  kFirstFeedForwardDropout = 8,
  kSecondFeedForwardDropout = 9,
  kGlobalAttentionDropout = 10,
  kCodebook = 11,     // codebook start and jitter
  kInitialCode = 12,  // initial code of a node
  kSplit = 13,        // train/valid/test split made at import
  kEncoding = 14,     // positional encodings and random projections
  kSynthetic = 15,    // the generator of test graphs
  kPartition = 16,    // hash partitioning, METIS seed
  kTest = 17,
};

// A bijective 64-bit mixer (the finaliser of SplitMix64).
constexpr uint64_t Mix64(uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

// The key of a stream. `major` and `minor` are the place: (epoch, node), (step, node), (parameter,
// 0), ...
constexpr uint64_t StreamKey(uint64_t seed, RandomPurpose purpose, uint64_t major, uint64_t minor) {
  uint64_t key = Mix64(seed ^ (uint64_t{static_cast<uint32_t>(purpose)} << 56));
  key = Mix64(key ^ major);
  return Mix64(key ^ minor);
}

// The 128 random bits at `counter` of the stream `key`.
constexpr std::array<uint32_t, 4> Philox4x32(uint64_t key, uint64_t counter) {
  uint32_t c0 = static_cast<uint32_t>(counter), c1 = static_cast<uint32_t>(counter >> 32);
  uint32_t c2 = 0, c3 = 0;
  uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53u} * c0;
    const uint64_t p1 = uint64_t{0xCD9E8D57u} * c2;
    const uint32_t n0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0;
    const uint32_t n2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c1 = static_cast<uint32_t>(p1);
    c3 = static_cast<uint32_t>(p0);
    c0 = n0;
    c2 = n2;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return {c0, c1, c2, c3};
}

// A sequential reader of one stream: cheap to make, copies read on independently from their current
// positions.
class RandomStream {
 public:
  explicit constexpr RandomStream(uint64_t key) : key_(key) {}
  constexpr RandomStream(uint64_t seed, RandomPurpose purpose, uint64_t major, uint64_t minor)
      : key_(StreamKey(seed, purpose, major, minor)) {}

  constexpr uint32_t Next32() {
    if (used_ == 4) {
      block_ = Philox4x32(key_, counter_++);
      used_ = 0;
    }
    return block_[static_cast<size_t>(used_++)];
  }
  constexpr uint64_t Next64() {
    const uint64_t high = Next32();
    return (high << 32) | Next32();
  }
  // Uniform in [0, bound), without bias (Lemire, arXiv 1805.10941). bound > 0.
  uint64_t Below(uint64_t bound) {
    unsigned __int128 product = static_cast<unsigned __int128>(Next64()) * bound;
    if (static_cast<uint64_t>(product) < bound) {
      const uint64_t threshold = (0 - bound) % bound;
      while (static_cast<uint64_t>(product) < threshold)
        product = static_cast<unsigned __int128>(Next64()) * bound;
    }
    return static_cast<uint64_t>(product >> 64);
  }
  // Uniform in [0, 1), 53 bits.
  constexpr double Uniform() { return static_cast<double>(Next64() >> 11) * 0x1p-53; }
  // Standard normal (Box-Muller, one value and 128 bits per call).
  double Normal();
  // As `count` calls of Normal().
  constexpr void SkipNormals(uint64_t count) {
    counter_ += count;
    if (used_ < 4) block_ = Philox4x32(key_, counter_ - 1);
  }

 private:
  uint64_t key_;
  uint64_t counter_ = 0;
  std::array<uint32_t, 4> block_{};
  int used_ = 4;
};

}  // namespace quadhop
