#include "comm/sums/ordered_sum.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "comm/sums/reduction.h"
#include "core/base/rng.h"
#include "tests/support/rank_backend.h"
#include "tests/support/status_matchers.h"
#include "tests/support/tree_sum.h"

namespace quadhop {
namespace {

// Values of such different sizes that nearly every order of adding gives other digits.
template <typename T>
T Value(RandomStream& random) {
  return static_cast<T>(random.Normal() * std::exp2(random.Uniform() * 20));
}
template <>
int64_t Value<int64_t>(RandomStream& random) {
  return static_cast<int64_t>(random.Next64() >> 8);
}
template <>
Moments Value<Moments>(RandomStream& random) {
  return {static_cast<double>(random.Below(100)), random.Normal(), random.Uniform()};
}

template <typename T>
std::vector<std::vector<T>> Rows(int32_t num_rows, size_t n) {
  std::vector<std::vector<T>> rows(static_cast<size_t>(num_rows), std::vector<T>(n));
  RandomStream random(1, RandomPurpose::kTest, static_cast<uint64_t>(num_rows), n);
  for (auto& row : rows)
    for (T& value : row) value = Value<T>(random);
  return rows;
}

template <typename T>
bool SameBytes(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

// The rows of one rank's partitions, as OrderedSum takes them.
template <typename T>
std::vector<T> OwnRows(const std::vector<std::vector<T>>& rows, const PartitionOwners& owners,
                       Rank rank) {
  std::vector<T> own;
  const size_t r = static_cast<size_t>(rank.value());
  for (int32_t p = owners.first[r]; p < owners.first[r + 1]; ++p)
    own.insert(own.end(), rows[static_cast<size_t>(p)].begin(), rows[static_cast<size_t>(p)].end());
  return own;
}

// All ways to give num_partitions to num_ranks, at least one each.
std::vector<PartitionOwners> AllOwners(int32_t num_partitions, int32_t num_ranks) {
  if (num_ranks == 1) return {{{0, num_partitions}}};
  std::vector<PartitionOwners> all;
  for (int32_t first = num_ranks - 1; first < num_partitions; ++first)
    for (PartitionOwners owners : AllOwners(first, num_ranks - 1)) {
      owners.first.push_back(num_partitions);
      all.push_back(std::move(owners));
    }
  return all;
}

class OrderedSumTest : public ::testing::TestWithParam<RankBackend> {
 protected:
  template <typename T>
  void ExpectSumIsTheTrees(int32_t num_partitions, size_t n, bool all_owners) {
    if (num_partitions < GetParam().num_ranks) return;
    const auto rows = Rows<T>(num_partitions, n);
    std::vector<T> expected;
    for (size_t i = 0; i < n; ++i) expected.push_back(TreeSum(rows, 0, num_partitions, i));
    auto owners_to_try = AllOwners(num_partitions, GetParam().num_ranks);
    if (!all_owners) owners_to_try.erase(owners_to_try.begin() + 1, owners_to_try.end());
    GetParam().run(absl::Seconds(60), [&](Communicator& comm) {
      for (const PartitionOwners& owners : owners_to_try) {
        std::vector<T> summands = OwnRows(rows, owners, comm.rank());
        std::vector<T> sum(n);
        ASSERT_OK(
            OrderedSum<T>(comm, owners, "sum", absl::MakeSpan(summands), absl::MakeSpan(sum)));
        EXPECT_TRUE(SameBytes(sum, expected))
            << "P = " << num_partitions << ", n = " << n << ", runs begin at "
            << testing::PrintToString(owners.first);
      }
    });
  }
};

INSTANTIATE_TEST_SUITE_P(Implementations, OrderedSumTest, ::testing::ValuesIn(RankBackends()),
                         [](const auto& test) { return test.param.name; });

TEST_P(OrderedSumTest, HasTheTreesDigitsHoweverPartitionsAreOwned) {
  for (int32_t num_partitions = 1; num_partitions <= 9; ++num_partitions)
    ExpectSumIsTheTrees<float>(num_partitions, 37, true);
}

TEST_P(OrderedSumTest, HasTheTreesDigitsWhenItTakesTwoTrips) {
  // Rows of 540 kB, of which two are beyond what goes in one trip, and of no round length.
  for (int32_t num_partitions = 1; num_partitions <= 9; ++num_partitions)
    ExpectSumIsTheTrees<float>(num_partitions, 135003, num_partitions == 7);
}

TEST_P(OrderedSumTest, HasTheTreesDigitsWhereTheNumberOfRanksDecidesTheTrips) {
  // Rows of 80 kB: in one trip between two ranks, in two between many.
  for (int32_t num_partitions = 1; num_partitions <= 9; ++num_partitions)
    ExpectSumIsTheTrees<float>(num_partitions, 20003, num_partitions == 7);
}

TEST_P(OrderedSumTest, SumsDoublesIntegersAndMoments) {
  for (const size_t n : {size_t{5}, size_t{9001}}) {
    ExpectSumIsTheTrees<double>(7, n, false);
    ExpectSumIsTheTrees<int64_t>(7, n, false);
    ExpectSumIsTheTrees<Moments>(7, n, false);
  }
}

TEST_P(OrderedSumTest, SumsOfFewerElementsThanRanksAndOfNone) {
  for (const size_t n : {size_t{0}, size_t{1}, size_t{3}}) ExpectSumIsTheTrees<float>(6, n, true);
}

TEST(OrderedSum, TestValuesDependOnTheOrder) {
  const auto rows = Rows<float>(8, 37);
  int num_different = 0;
  for (size_t i = 0; i < 37; ++i) {
    float in_order = 0;
    for (const auto& row : rows) in_order += row[i];
    num_different += in_order != TreeSum(rows, 0, 8, i);
  }
  EXPECT_GT(num_different, 10);
}

TEST(OrderedSum, RefusesSummandsThatDoNotFit) {
  const auto comm = MakeSoloCommunicator();
  std::vector<float> summands(5), sum(3);
  EXPECT_THAT(OrderedSum<float>(*comm, {{0, 2}}, "gradients", absl::MakeSpan(summands),
                                absl::MakeSpan(sum)),
              StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr("gradients: 5")));
}

TEST_P(OrderedSumTest, FastReductionIsTheSumUpToRounding) {
  const int32_t num_partitions = 6;
  const size_t n = 3001;
  const auto rows = Rows<float>(num_partitions, n);
  GetParam().run(absl::Seconds(60), [&](Communicator& comm) {
    ASSERT_OK_AND_ASSIGN(
        const PartitionOwners owners,
        PartitionOwners::Split(std::vector<double>(num_partitions, 1.0), comm.num_ranks()));
    std::vector<float> summands = OwnRows(rows, owners, comm.rank());
    std::vector<float> sum(n);
    HostRowAdder adder;
    ASSERT_OK(SumOverPartitions(comm, owners, Reduction::kFast, "sum", adder,
                                absl::MakeSpan(summands), absl::MakeSpan(sum)));
    for (size_t i = 0; i < n; ++i) {
      double expected = 0, magnitude = 0;
      for (const auto& row : rows) {
        expected += static_cast<double>(row[i]);
        magnitude += std::abs(static_cast<double>(row[i]));
      }
      // P - 1 roundings of at most half an ulp of the sum of magnitudes.
      ASSERT_NEAR(sum[i], expected, magnitude * (num_partitions - 1) * 0x1p-24) << i;
    }
  });
}

TEST(Moments, MergeToThoseOfTheUnion) {
  Moments left{2, 2.0, 2.0};  // of {1, 3}
  left += {3, 6.0, 8.0};      // of {4, 6, 8}
  EXPECT_EQ(left.count, 5);
  EXPECT_NEAR(left.mean, 4.4, 1e-15 * 4.4);
  EXPECT_NEAR(left.m2, 29.2, 1e-15 * 29.2 * 4);  // 1 + 9 + 16 + 36 + 64 - 5 * 4.4^2
  left += {};
  EXPECT_EQ(left.count, 5);
}

}  // namespace
}  // namespace quadhop
