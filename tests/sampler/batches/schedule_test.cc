#include "sampler/batches/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <vector>

#include "core/base/rng.h"
#include "tests/sampler/chi_squared.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

using ::testing::HasSubstr;

std::vector<int64_t> RandomCounts(RandomStream& random) {
  std::vector<int64_t> counts(1 + random.Below(20));
  const uint64_t largest = uint64_t{1} << random.Below(12);
  for (int64_t& n : counts)
    n = random.Below(4) == 0 ? 0 : static_cast<int64_t>(random.Below(largest + 1));
  return counts;
}

TEST(BatchSchedule, VisitsEveryNodeOnceInStepsThatAreNeverTooSmall) {
  RandomStream random(1, RandomPurpose::kTest, 0, 0);
  for (int trial = 0; trial < 500; ++trial) {
    const std::vector<int64_t> counts = RandomCounts(random);
    const int64_t total = std::accumulate(counts.begin(), counts.end(), int64_t{0});
    const int64_t least = trial % 2 + 1;
    const int64_t batch = 2 + static_cast<int64_t>(random.Below(600));
    if (total > 0 && total < least) continue;
    ASSERT_OK_AND_ASSIGN(const BatchSchedule schedule, BatchSchedule::Create(counts, batch, least));
    ASSERT_LE(schedule.num_steps(), (total + batch - 1) / batch);
    ASSERT_EQ(schedule.num_steps() == 0, total == 0);
    std::vector<int64_t> visited(counts.size(), 0);
    for (int64_t t = 0; t < schedule.num_steps(); ++t) {
      int64_t step_nodes = 0;
      for (size_t p = 0; p < counts.size(); ++p) {
        const BlockRange slice = schedule.Slice(PartitionId(static_cast<int32_t>(p)), t);
        ASSERT_EQ(slice.begin, visited[p]);
        ASSERT_GE(slice.end, slice.begin);
        visited[p] = slice.end;
        step_nodes += slice.end - slice.begin;
      }
      ASSERT_EQ(step_nodes, schedule.StepNodes(t));
      ASSERT_GE(step_nodes, least);
      ASSERT_LT(std::fabs(static_cast<double>(step_nodes) -
                          static_cast<double>(total) / static_cast<double>(schedule.num_steps())),
                static_cast<double>(counts.size()));
    }
    if (total > 0) {
      ASSERT_EQ(visited, counts);
    }
  }
}

TEST(BatchSchedule, KeepsBatchesOfEvenPartitionsWithinOneNode) {
  for (int64_t size : {999, 1000, 1234})
    for (size_t parts : {1u, 3u, 64u, 100u}) {
      const std::vector<int64_t> counts(parts, size);
      ASSERT_OK_AND_ASSIGN(const auto schedule, BatchSchedule::Create(counts, 512, 2));
      int64_t least = schedule.StepNodes(0), most = least;
      for (int64_t t = 0; t < schedule.num_steps(); ++t) {
        least = std::min(least, schedule.StepNodes(t));
        most = std::max(most, schedule.StepNodes(t));
      }
      EXPECT_LE(most - least, 1);
      EXPECT_LE(most, 512);
    }
}

// A sum of P roundings, each off by less than 1 with standard deviation at most 1/2: 4 of their
// standard deviations.
TEST(BatchSchedule, KeepsBatchesOfUnevenPartitionsCloseToTheMean) {
  RandomStream random(2, RandomPurpose::kTest, 0, 0);
  for (size_t parts : {4u, 16u, 64u, 1000u}) {
    std::vector<int64_t> counts(parts);
    for (int64_t& n : counts) n = 700 + static_cast<int64_t>(random.Below(600));
    ASSERT_OK_AND_ASSIGN(const auto schedule, BatchSchedule::Create(counts, 1024, 2));
    const double mean =
        static_cast<double>(schedule.num_nodes()) / static_cast<double>(schedule.num_steps());
    for (int64_t t = 0; t < schedule.num_steps(); ++t)
      EXPECT_LT(std::fabs(static_cast<double>(schedule.StepNodes(t)) - mean),
                2 * std::sqrt(static_cast<double>(parts)));
  }
}

TEST(BatchSchedule, LowersTheNumberOfStepsUntilEachHasTwoNodes) {
  ASSERT_OK_AND_ASSIGN(const auto odd, BatchSchedule::Create({5}, 4, 2));
  EXPECT_EQ(odd.num_steps(), 2);
  ASSERT_OK_AND_ASSIGN(const auto single, BatchSchedule::Create({3}, 2, 2));
  EXPECT_EQ(single.num_steps(), 1);
  ASSERT_OK_AND_ASSIGN(const auto evaluation, BatchSchedule::Create({3}, 2, 1));
  EXPECT_EQ(evaluation.num_steps(), 2);
}

TEST(BatchSchedule, CountsBeyondTwoToThe32) {
  const int64_t huge = int64_t{3} << 33;
  ASSERT_OK_AND_ASSIGN(const auto schedule, BatchSchedule::Create({huge, 1, huge - 7}, 1000, 2));
  const int64_t last = schedule.num_steps() - 1;
  EXPECT_EQ(schedule.num_steps(), (2 * huge - 6 + 999) / 1000);
  EXPECT_EQ(schedule.Slice(PartitionId(0), last).end, huge);
  EXPECT_EQ(schedule.Slice(PartitionId(2), last).end, huge - 7);
  EXPECT_NEAR(static_cast<double>(schedule.StepNodes(last / 2)), 1000, 3);
}

TEST(BatchSchedule, RefusesABatchThatCannotBe) {
  EXPECT_THAT(BatchSchedule::Create({5, 5}, 1, 2).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("batch is 1")));
  EXPECT_THAT(BatchSchedule::Create({1, 0}, 8, 2).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("has 1 nodes")));
  EXPECT_THAT(BatchSchedule::Create({int64_t{1} << 40}, 2, 2).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("larger batch")));
}

std::vector<GlobalId> Ordered(uint64_t seed, int64_t epoch, int32_t partition,
                              std::vector<GlobalId> nodes, int64_t run_nodes = 1) {
  SortByEpochOrder(seed, epoch, PartitionId(partition), run_nodes, nodes);
  return nodes;
}

TEST(EpochOrder, IsAFunctionOfSeedEpochPartitionAndNodes) {
  std::vector<GlobalId> nodes;
  for (int64_t v = 0; v < 100; ++v) nodes.emplace_back(3 * v);
  const std::vector<GlobalId> reversed(nodes.rbegin(), nodes.rend());
  const std::vector<GlobalId> order = Ordered(1, 2, 3, nodes);
  EXPECT_EQ(order, Ordered(1, 2, 3, reversed));
  EXPECT_THAT(order, ::testing::UnorderedElementsAreArray(nodes));
  EXPECT_NE(order, Ordered(2, 2, 3, nodes));
  EXPECT_NE(order, Ordered(1, 3, 3, nodes));
  EXPECT_NE(order, Ordered(1, 2, 4, nodes));
}

TEST(EpochOrder, KeepsRunsTogetherThatChangeWithTheEpoch) {
  std::vector<GlobalId> nodes;
  for (int64_t v = 0; v < 1000; ++v) nodes.emplace_back(3 * v);
  const std::vector<GlobalId> reversed(nodes.rbegin(), nodes.rend());
  const std::vector<GlobalId> order = Ordered(1, 2, 3, nodes, 10);
  EXPECT_EQ(order, Ordered(1, 2, 3, reversed, 10));
  EXPECT_THAT(order, ::testing::UnorderedElementsAreArray(nodes));
  std::set<int64_t> starts;  // of runs: where the node before does not come before
  for (int64_t epoch = 1; epoch <= 40; ++epoch) {
    const std::vector<GlobalId> of_epoch = Ordered(1, epoch, 3, nodes, 10);
    size_t num_runs = 1;
    for (size_t i = 1; i < of_epoch.size(); ++i) {
      if (of_epoch[i].value() == of_epoch[i - 1].value() + 3) continue;
      ++num_runs;
      starts.insert(of_epoch[i].value() / 3 % 10);
    }
    EXPECT_GE(num_runs, 90u);  // some of 100 or 101 meet the one before them by chance
    EXPECT_LE(num_runs, 101u);
  }
  EXPECT_THAT(starts, ::testing::SizeIs(10));
}

TEST(EpochOrder, IsEveryPermutationEquallyOften) {
  const std::vector<GlobalId> nodes = {GlobalId(0), GlobalId(1), GlobalId(2), GlobalId(3)};
  constexpr int64_t kEpochs = 20000;
  std::map<std::vector<GlobalId>, double> probabilities;
  std::vector<GlobalId> permutation = nodes;
  do probabilities[permutation] = 1.0 / 24;
  while (std::next_permutation(permutation.begin(), permutation.end()));
  std::map<std::vector<GlobalId>, int64_t> counts;
  for (int64_t epoch = 1; epoch <= kEpochs; ++epoch) ++counts[Ordered(3, epoch, 0, nodes)];
  ExpectDrawnFrom(probabilities, counts, kEpochs);
}

}  // namespace
}  // namespace quadhop
