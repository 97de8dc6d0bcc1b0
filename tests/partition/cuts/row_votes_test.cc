#include "partition/cuts/row_votes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "core/base/rng.h"
#include "core/threads/thread_pool.h"

namespace quadhop {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;

using Sums = std::vector<std::pair<uint32_t, int64_t>>;  // in the order of coming

// By plain loops.
Sums Expected(const Sums& votes) {
  Sums sums;
  std::map<uint32_t, size_t> place;
  for (const auto& [label, weight] : votes) {
    const auto [at, is_new] = place.insert({label, sums.size()});
    if (is_new) sums.emplace_back(label, 0);
    sums[at->second].second += weight;
  }
  return sums;
}

// num_labels of them, each some times; labels differ in their upper or their lower bits.
Sums RandomVotes(int64_t num_labels, uint32_t stride, uint64_t seed) {
  RandomStream random(seed, RandomPurpose::kTest, 0, 0);
  Sums votes;
  for (int64_t i = 0; i < 3 * num_labels; ++i)
    votes.emplace_back(
        stride * static_cast<uint32_t>(random.Below(static_cast<uint64_t>(num_labels))),
        1 + static_cast<int64_t>(random.Below(5)));
  votes.emplace_back(votes[0].first, int64_t{1} << 40);
  return votes;
}

template <typename RowOfVotes>
Sums SumsOf(const RowOfVotes& row) {
  Sums sums;
  row.ForEach([&](uint32_t label, int64_t sum) {
    EXPECT_EQ(row.Of(label), sum);
    sums.emplace_back(label, sum);
  });
  EXPECT_EQ(row.size(), sums.size());
  return sums;
}

TEST(VoteTable, SumsRowsOfAnyLengthOneAfterAnother) {
  VoteTable table(size_t{1} << 20);
  for (const uint32_t stride : {1u, 256u, 65536u})
    for (const int64_t num_labels : {1, 3, 200, 5, 127, 128, 129, 20000, 2, 3000}) {
      const Sums votes = RandomVotes(num_labels, stride, static_cast<uint64_t>(num_labels));
      table.Clear();
      for (const auto& [label, weight] : votes) table.Add(label, weight);
      EXPECT_FALSE(table.full());
      EXPECT_THAT(SumsOf(table), ElementsAreArray(Expected(votes)));
      EXPECT_EQ(table.Of(7 + stride * 30000), 0);
    }
}

TEST(VoteTable, IsFullBeyondHalfOfItsSlots) {
  VoteTable table(512);
  for (const uint32_t labels : {256u, 257u, 300u, 256u}) {
    table.Clear();
    for (uint32_t label = 0; label < labels; ++label) table.Add(label, 1);
    table.Add(0, 1);
    EXPECT_EQ(table.full(), labels > 256) << labels;
  }
}

// Tables of a graph of 200,000 labels hold 32768 each where threads are many.
TEST(RowVotes, CountAlikeHoweverLongRowsAreAndHoweverManyThreads) {
  constexpr size_t kLabels = 200000;
  std::vector<Sums> rows;
  for (uint64_t i = 0; i < 24; ++i)
    rows.push_back(RandomVotes(i % 3 == 0 ? 60000 : 10 + static_cast<int64_t>(i), 3, i));
  for (const int num_threads : {1, 3, 64}) {
    ThreadPool pool(num_threads);
    RowVotes votes(kLabels, num_threads);
    std::vector<Sums> counted(rows.size());
    pool.ParallelFor(static_cast<int64_t>(rows.size()), [&](int64_t i, int worker) {
      const auto row = static_cast<size_t>(i);
      counted[row] = votes.Count(
          worker,
          [&](auto& sums) {
            for (const auto& [label, weight] : rows[row]) sums.Add(label, weight);
          },
          [](const auto& sums) { return SumsOf(sums); });
    });
    for (size_t row = 0; row < rows.size(); ++row)
      EXPECT_EQ(counted[row], Expected(rows[row])) << row << ", " << num_threads << " threads";
  }
}

}  // namespace
}  // namespace quadhop
