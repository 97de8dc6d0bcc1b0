#include "partition/scratch/sorted_runs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "core/base/rng.h"
#include "core/threads/thread_pool.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

// Random keys, many of them equal, come back once each and in order, whatever stays in memory.
template <typename Key>
void ExpectAllInOrder(int num_bits, int64_t memory_bytes, int num_threads = 1) {
  const TempDir folder;
  SortedRuns<Key> runs(num_bits, memory_bytes, folder.path(), num_threads);
  RandomStream random(3, RandomPurpose::kTest, 0, 0);
  std::set<Key> expected;
  for (int block = 0; block < 30; ++block) {
    std::vector<Key> keys;
    for (int i = 0; i < 3000; ++i) {
      Key key = random.Next64();
      if (sizeof(Key) > 8) key = key << (sizeof(Key) * 4) | random.Next64();
      key &= (Key{1} << num_bits) - 1;
      if (i % 3 == 0) key = random.Below(50);
      keys.push_back(key);
    }
    expected.insert(keys.begin(), keys.end());
    ASSERT_OK(runs.Add(keys));
  }
  ASSERT_OK(runs.Finish());
  std::vector<Key> all, keys, scratch;
  const std::vector<Key> bounds = runs.CutIntoRanges(5000);
  EXPECT_GT(bounds.size(), 5u);
  for (size_t i = 0; i + 1 < bounds.size(); ++i) {
    ASSERT_OK(runs.ReadRange(bounds[i], bounds[i + 1], keys, scratch));
    all.insert(all.end(), keys.begin(), keys.end());
  }
  EXPECT_TRUE(all == std::vector<Key>(expected.begin(), expected.end()));
}

TEST(SortedRuns, GiveEveryKeyOnceAndInOrderFromMemory) {
  ExpectAllInOrder<uint64_t>(61, int64_t{64} << 20);
}
TEST(SortedRuns, GiveEveryKeyOnceAndInOrderFromDisk) { ExpectAllInOrder<uint64_t>(61, 0); }
TEST(SortedRuns, GiveTheSameWhereOtherThreadsSort) {
  for (const int num_threads : {2, 3, 9}) {
    ExpectAllInOrder<uint64_t>(61, 0, num_threads);
    ExpectAllInOrder<uint64_t>(61, int64_t{64} << 20, num_threads);
  }
}
TEST(SortedRuns, GiveTheSameWhereManyThreadsAdd) {
  const TempDir folder;
  SortedRuns<uint64_t> runs(61, 0, folder.path(), /*num_threads=*/3);
  constexpr int64_t kBlocks = 400, kKeysABlock = 500;
  ThreadPool pool(8);
  pool.ParallelFor(kBlocks, [&](int64_t block, int) {
    std::vector<uint64_t> keys;
    for (int64_t i = 0; i < kKeysABlock; ++i)
      keys.push_back(static_cast<uint64_t>((i * kBlocks + block) * 7919 % (kBlocks * kKeysABlock)));
    EXPECT_OK(runs.Add(keys));
  });
  ASSERT_OK(runs.Finish());
  std::vector<uint64_t> keys, scratch;
  ASSERT_OK(runs.ReadRange(0, ~uint64_t{0}, keys, scratch));
  ASSERT_EQ(keys.size(), static_cast<size_t>(kBlocks * kKeysABlock));
  for (size_t i = 0; i < keys.size(); ++i) ASSERT_EQ(keys[i], i);
}
TEST(SortedRuns, TakeKeysBeyond64Bits) { ExpectAllInOrder<unsigned __int128>(100, 0); }

}  // namespace
}  // namespace quadhop
