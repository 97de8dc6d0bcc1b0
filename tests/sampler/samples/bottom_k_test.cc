#include "sampler/samples/bottom_k.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <set>
#include <utility>
#include <vector>

#include "core/base/rng.h"

namespace quadhop {
namespace {

constexpr uint32_t kNoLimit = std::numeric_limits<uint32_t>::max();
using Pair = std::pair<uint64_t, uint64_t>;

std::vector<Pair> Take(BottomK& smallest) {
  std::vector<Pair> entries;
  for (const BottomK::Entry& e : smallest.Sorted()) entries.emplace_back(e.hash, e.id);
  return entries;
}

// `distinct` entries, each offered `repeats` times, in random order.
std::vector<Pair> RandomEntries(uint64_t distinct, int repeats, uint64_t hash_mask) {
  std::vector<Pair> entries;
  for (uint64_t id = 0; id < distinct; ++id)
    for (int i = 0; i < repeats; ++i) entries.emplace_back(Mix64(id) & hash_mask, id);
  RandomStream random(distinct, RandomPurpose::kTest, 0, 0);
  for (size_t i = entries.size(); i > 1; --i) std::swap(entries[i - 1], entries[random.Below(i)]);
  return entries;
}

std::vector<Pair> Smallest(const std::vector<Pair>& entries, int64_t k) {
  const std::set<Pair> sorted(entries.begin(), entries.end());
  std::vector<Pair> smallest(sorted.begin(), sorted.end());
  smallest.resize(std::min(smallest.size(), static_cast<size_t>(k)));
  return smallest;
}

TEST(BottomK, KeepsTheDistinctEntriesOfSmallestHash) {
  BottomK smallest;
  for (uint64_t distinct : {0u, 1u, 10u, 500u, 5000u})
    for (int repeats : {1, 7})
      for (int64_t k : {1, 4, 100, 1000}) {
        const std::vector<Pair> entries = RandomEntries(distinct, repeats, ~uint64_t{0});
        smallest.Reset(k, static_cast<int64_t>(entries.size()), kNoLimit);
        for (const auto& [hash, id] : entries) smallest.Insert({hash, id});
        EXPECT_EQ(Take(smallest), Smallest(entries, k)) << distinct << " entries, k " << k;
      }
}

TEST(BottomK, OrdersTiesOfHashById) {
  BottomK smallest;
  for (uint64_t mask : {uint64_t{0}, uint64_t{3}, uint64_t{7} << 61}) {
    const std::vector<Pair> entries = RandomEntries(300, 3, mask);
    smallest.Reset(20, static_cast<int64_t>(entries.size()), kNoLimit);
    for (const auto& [hash, id] : entries) smallest.Insert({hash, id});
    EXPECT_EQ(Take(smallest), Smallest(entries, 20));
  }
}

TEST(BottomK, IgnoresEntriesAboveTheLimit) {
  BottomK smallest;
  smallest.Reset(5, 100, 10);
  for (uint64_t hash = 0; hash < 20; ++hash) smallest.Insert({(19 - hash) << 32, hash});
  EXPECT_EQ(smallest.size(), 11);
  EXPECT_EQ(Take(smallest).back(), (Pair{uint64_t{4} << 32, 15}));
}

}  // namespace
}  // namespace quadhop
