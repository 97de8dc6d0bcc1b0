#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

#include "core/base/rng.h"
#include "sampler/cuda/sample_room.h"

namespace quadhop::cuda {
namespace {

constexpr int64_t kThreads = 256;

// Passes until the search ends over a pool of `distinct` entries that is thought to have `most`.
int Passes(int64_t wanted, int64_t distinct, int64_t most, uint64_t seed) {
  const SampleRoom room = RoomFor(wanted, kThreads);
  LimitSearch search(room, most);
  for (int pass = 1;; ++pass) {
    int64_t seen = 0;
    for (int64_t i = 0; i < distinct; ++i)
      seen += static_cast<uint32_t>(Mix64(seed + static_cast<uint64_t>(i)) >> 32) <= search.limit();
    if (search.Ends(seen > room.capacity ? room.capacity + 1 : seen)) {
      EXPECT_LE(seen, room.capacity);
      EXPECT_GE(seen, std::min(wanted, distinct));
      return pass;
    }
    if (pass == 64) return pass;
  }
}

TEST(LimitSearch, TakesTwoPassesAtMostWhereThePoolIsAsLargeAsThought) {
  for (int64_t wanted : {1, 19, 99})
    for (int64_t distinct : {1000, 20000})
      for (uint64_t seed = 0; seed < 20; ++seed)
        EXPECT_LE(Passes(wanted, distinct, distinct, seed << 32), 2) << wanted << " " << distinct;
}

TEST(LimitSearch, TakesAWholeSmallPoolInTwoPassesAtMost) {
  for (int64_t wanted : {1, 19, 99})
    for (int64_t distinct = 1; distinct <= RoomFor(wanted, kThreads).capacity; distinct += 7)
      EXPECT_LE(Passes(wanted, distinct, distinct, 5), 2) << wanted << " " << distinct;
  EXPECT_EQ(Passes(99, 20, 20, 5), 1);
}

TEST(LimitSearch, EndsSoonWherePathsLeadToFewNodes) {
  for (int64_t wanted : {1, 19, 99})
    for (int64_t distinct : {1, 30, 300, 3000})
      for (int64_t times : {1, 10, 1000})
        EXPECT_LE(Passes(wanted, distinct, times * distinct, 9), 8);
}

// What no pool does, but a search must survive: more entries than thought.
TEST(LimitSearch, ComesBackFromTooHighALimit) {
  for (int64_t wanted : {1, 19, 99}) EXPECT_LE(Passes(wanted, 100000, 50, 3), 34);
}

}  // namespace
}  // namespace quadhop::cuda
