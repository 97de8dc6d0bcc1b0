// How much a block of the GPU's sampler keeps, and how it finds a limit of hashes under which it
// keeps no more. None of it changes a sample.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

namespace quadhop::cuda {

// Sizes of what a block keeps in shared memory.
struct SampleRoom {
  int64_t wanted;    // K - 1
  int64_t aimed_at;  // entries that a limit should let through: bad luck then leaves `wanted`
  int64_t capacity;  // entries kept
  int64_t slots;     // of the table that finds repeated entries, a power of two
};

// threads: of a block; PATHS makes as many draws at a time.
inline SampleRoom RoomFor(int64_t wanted, int64_t threads) {
  SampleRoom room{};
  room.wanted = wanted;
  room.aimed_at = wanted + static_cast<int64_t>(4 * std::sqrt(static_cast<double>(wanted))) + 4;
  room.capacity = 2 * room.aimed_at;
  room.slots = static_cast<int64_t>(
      std::bit_ceil(static_cast<uint64_t>(2 * std::max(room.capacity, wanted + threads))));
  return room;
}

// Looks for an upper limit of hashes that lets at least `wanted` entries of a pool through, but no
// more than `capacity`: the smallest `wanted` are among them then. It ends, since at most 16
// entries of a pool share the upper 32 bits of a hash while N <= 2^35 (entry_hash.h: a bijection
// of the id's lower half), and wanted + 16 <= capacity.
class LimitSearch {
 public:
  // most: at least as many as the pool has distinct entries.
  constexpr LimitSearch(const SampleRoom& room, int64_t most)
      : room_(room), limit_(Scaled(kNoLimit, room.aimed_at, most)) {}

  constexpr uint32_t limit() const { return static_cast<uint32_t>(limit_); }

  // seen: the pool's distinct entries whose upper hash is at most limit(), or any number above the
  // capacity if they are more. Returns whether limit() is the one sought; else limit() is now the
  // next to try.
  constexpr bool Ends(int64_t seen) {
    const bool too_many = seen > room_.capacity;
    if (!too_many && (seen >= room_.wanted || limit_ == kNoLimit)) return true;
    (too_many ? high_ : low_) = limit_;
    if (high_ <= kNoLimit)
      limit_ = low_ + (high_ - low_) / 2;
    else
      limit_ = std::max(Scaled(limit_, room_.aimed_at, std::max(seen, int64_t{1})),
                        std::min(2 * limit_ + 1, int64_t{kNoLimit}));
    return false;
  }

 private:
  static constexpr int64_t kNoLimit = 0xFFFFFFFF;  // has no address on a GPU

  // limit * aimed_at / seen; all hashes, if that is more than half of them.
  static constexpr int64_t Scaled(int64_t limit, int64_t aimed_at, int64_t seen) {
    const double scaled =
        static_cast<double>(limit) * static_cast<double>(aimed_at) / static_cast<double>(seen);
    return scaled > 0.5 * kNoLimit ? kNoLimit : static_cast<int64_t>(scaled);
  }

  SampleRoom room_;
  int64_t limit_;
  int64_t low_ = -1;             // lets too few through
  int64_t high_ = kNoLimit + 1;  // too many, if it is a limit
};

}  // namespace quadhop::cuda
