#include "comm/sums/partition_owners.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

#include "core/base/rng.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

using ::testing::ElementsAre;

double LargestRun(const std::vector<double>& cost, const std::vector<int32_t>& first) {
  double largest = 0;
  for (size_t r = 0; r + 1 < first.size(); ++r)
    largest = std::max(largest,
                       std::accumulate(cost.begin() + first[r], cost.begin() + first[r + 1], 0.0));
  return largest;
}

// The least largest run of partitions [begin, P) over num_ranks, by trying everything.
double LeastLargest(const std::vector<double>& cost, size_t begin, int32_t num_ranks) {
  if (num_ranks == 1)
    return std::accumulate(cost.begin() + static_cast<int64_t>(begin), cost.end(), 0.0);
  double least = std::numeric_limits<double>::infinity();
  double run = 0;
  for (size_t end = begin + 1; end + static_cast<size_t>(num_ranks) - 1 <= cost.size(); ++end) {
    run += cost[end - 1];
    least = std::min(least, std::max(run, LeastLargest(cost, end, num_ranks - 1)));
  }
  return least;
}

TEST(PartitionOwners, SplitsEqualCostsEvenly) {
  ASSERT_OK_AND_ASSIGN(const auto owners, PartitionOwners::Split(std::vector<double>(8, 1.0), 4));
  EXPECT_THAT(owners.first, ElementsAre(0, 2, 4, 6, 8));
  EXPECT_EQ(owners.num_partitions(), 8);
  EXPECT_EQ(owners.num_ranks(), 4);
  EXPECT_EQ(owners.num_owned(Rank(3)), 2);
}

TEST(PartitionOwners, GivesACostlyPartitionToARankAlone) {
  ASSERT_OK_AND_ASSIGN(const auto owners, PartitionOwners::Split({1, 1, 9, 1, 1}, 3));
  EXPECT_THAT(owners.first, ElementsAre(0, 2, 3, 5));
}

TEST(PartitionOwners, GivesEveryRankOneEvenIfCostsAreZero) {
  ASSERT_OK_AND_ASSIGN(const auto one_each, PartitionOwners::Split({5, 0, 0}, 3));
  EXPECT_THAT(one_each.first, ElementsAre(0, 1, 2, 3));
  ASSERT_OK_AND_ASSIGN(const auto owners, PartitionOwners::Split({0, 0, 0, 0}, 3));
  for (int32_t r = 0; r < 3; ++r) EXPECT_GE(owners.num_owned(Rank(r)), 1);
}

TEST(PartitionOwners, NoSplitHasASmallerLargestRun) {
  RandomStream random(1, RandomPurpose::kTest, 0, 0);
  for (int trial = 0; trial < 300; ++trial) {
    std::vector<double> cost(1 + random.Below(9));
    for (double& c : cost) c = static_cast<double>(random.Below(20));  // sums are exact
    const int32_t num_ranks = 1 + static_cast<int32_t>(random.Below(cost.size()));
    ASSERT_OK_AND_ASSIGN(const auto owners, PartitionOwners::Split(cost, num_ranks));
    ASSERT_EQ(owners.num_ranks(), num_ranks);
    ASSERT_EQ(owners.first.front(), 0);
    ASSERT_EQ(owners.num_partitions(), static_cast<int32_t>(cost.size()));
    for (int32_t r = 0; r < num_ranks; ++r) ASSERT_GE(owners.num_owned(Rank(r)), 1);
    EXPECT_EQ(LargestRun(cost, owners.first), LeastLargest(cost, 0, num_ranks))
        << testing::PrintToString(cost) << " over " << num_ranks;
  }
}

TEST(PartitionOwners, RefusesMoreRanksThanPartitions) {
  EXPECT_THAT(
      PartitionOwners::Split({1, 1}, 3),
      StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr("3 ranks for 2 partitions")));
  EXPECT_THAT(PartitionOwners::Split({1, -1}, 1), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace quadhop
