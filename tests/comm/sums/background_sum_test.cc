#include "comm/sums/background_sum.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <thread>
#include <vector>

#include "core/base/rng.h"
#include "tests/support/even_owners.h"
#include "tests/support/rank_backend.h"
#include "tests/support/status_matchers.h"
#include "tests/support/tree_sum.h"

namespace quadhop {
namespace {

class BackgroundSumTest : public ::testing::TestWithParam<RankBackend> {
 protected:
  static PartitionOwners OneEach(int32_t num_ranks) { return EvenOwners(num_ranks, num_ranks); }
};

INSTANTIATE_TEST_SUITE_P(Implementations, BackgroundSumTest, ::testing::ValuesIn(RankBackends()),
                         [](const auto& test) { return test.param.name; });

TEST_P(BackgroundSumTest, SumsEverythingSubmittedWhileTheOwnerUsesItsCommunicator) {
  for (const Reduction reduction : {Reduction::kReproducible, Reduction::kFast})
    GetParam().run(absl::Seconds(60), [&](Communicator& comm) {
      const int32_t num_ranks = comm.num_ranks();
      ASSERT_OK_AND_ASSIGN(const auto background,
                           BackgroundSum::Create(comm, OneEach(num_ranks), reduction));
      EXPECT_OK(background->Wait());  // nothing was submitted
      for (int step = 0; step < 3; ++step) {
        const size_t num_layers = 20;
        std::vector<std::vector<float>> summands, sums;
        for (size_t layer = 0; layer < num_layers; ++layer) {
          summands.emplace_back(layer * 700, static_cast<float>(comm.rank().value() + step));
          sums.emplace_back(layer * 700);
        }
        for (size_t layer = 0; layer < num_layers; ++layer) {
          background->Submit(absl::StrCat("layer ", layer), absl::MakeSpan(summands[layer]),
                             absl::MakeSpan(sums[layer]));
          ASSERT_OK(comm.Barrier("something else"));
        }
        ASSERT_OK(background->Wait());
        const float expected =
            static_cast<float>(num_ranks * (num_ranks - 1) / 2 + num_ranks * step);
        for (const std::vector<float>& sum : sums)
          EXPECT_EQ(sum, std::vector<float>(sum.size(), expected));
      }
    });
}

// Floats of very different sizes: nearly every order of adding them gives other digits.
TEST_P(BackgroundSumTest, SumsOfOtherThanGradientsAreInOrderWhateverTheReduction) {
  constexpr int32_t kPartitions = 7;
  constexpr size_t kColumns = 50;
  std::vector<std::vector<float>> rows(kPartitions, std::vector<float>(kColumns));
  RandomStream random(1, RandomPurpose::kTest, 0, 0);
  for (std::vector<float>& row : rows)
    for (float& value : row)
      value = static_cast<float>(random.Normal() * std::exp2(random.Uniform() * 20));
  GetParam().run(absl::Seconds(60), [&](Communicator& comm) {
    const auto rank = static_cast<size_t>(comm.rank().value());
    const PartitionOwners owners = EvenOwners(kPartitions, comm.num_ranks());
    std::vector<float> own, sum(kColumns);
    for (int32_t p = owners.first[rank]; p < owners.first[rank + 1]; ++p)
      own.insert(own.end(), rows[static_cast<size_t>(p)].begin(),
                 rows[static_cast<size_t>(p)].end());
    ASSERT_OK_AND_ASSIGN(const auto background,
                         BackgroundSum::Create(comm, owners, Reduction::kFast));
    background->SubmitOrdered("moments", absl::MakeSpan(own), absl::MakeSpan(sum));
    ASSERT_OK(background->Wait());
    for (size_t i = 0; i < kColumns; ++i) EXPECT_EQ(sum[i], TreeSum(rows, 0, kPartitions, i));
  });
}

TEST_P(BackgroundSumTest, KeepsTheFirstErrorAndMakesNoMoreSums) {
  GetParam().run(absl::Seconds(60), [&](Communicator& comm) {
    ASSERT_OK_AND_ASSIGN(
        const auto background,
        BackgroundSum::Create(comm, OneEach(comm.num_ranks()), Reduction::kReproducible));
    std::vector<float> summands(7, 1.0f), sum(7, -1.0f), other(8);
    background->Submit("of the wrong length", absl::MakeSpan(summands), absl::MakeSpan(other));
    background->Submit("never made", absl::MakeSpan(summands), absl::MakeSpan(sum));
    const auto first_error =
        StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr("of the wrong length"));
    EXPECT_THAT(background->Wait(), first_error);
    EXPECT_EQ(sum, std::vector<float>(7, -1.0f));
    background->Submit("nor this", absl::MakeSpan(summands), absl::MakeSpan(sum));
    EXPECT_THAT(background->Wait(), first_error);
  });
}

TEST_P(BackgroundSumTest, FinishesWhatWasSubmittedWhenDestroyed) {
  GetParam().run(absl::Seconds(60), [&](Communicator& comm) {
    std::vector<std::vector<float>> summands(30, std::vector<float>(1000, 1.0f));
    std::vector<std::vector<float>> sums(30, std::vector<float>(1000));
    {
      ASSERT_OK_AND_ASSIGN(
          const auto background,
          BackgroundSum::Create(comm, OneEach(comm.num_ranks()), Reduction::kReproducible));
      for (size_t i = 0; i < sums.size(); ++i)
        background->Submit("sum", absl::MakeSpan(summands[i]), absl::MakeSpan(sums[i]));
    }
    for (const std::vector<float>& sum : sums)
      EXPECT_EQ(sum, std::vector<float>(1000, static_cast<float>(comm.num_ranks())));
  });
}

}  // namespace
}  // namespace quadhop
