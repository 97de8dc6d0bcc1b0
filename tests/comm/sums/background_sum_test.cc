#include "comm/sums/background_sum.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>
#include <vector>

#include "tests/support/rank_backend.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

class BackgroundSumTest : public ::testing::TestWithParam<RankBackend> {
 protected:
  static PartitionOwners OneEach(int32_t num_ranks) {
    PartitionOwners owners;
    for (int32_t r = 0; r <= num_ranks; ++r) owners.first.push_back(r);
    return owners;
  }
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

TEST_P(BackgroundSumTest, SumsOfOtherThanGradientsAreInOrderWhateverTheReduction) {
  GetParam().run(absl::Seconds(60), [&](Communicator& comm) {
    ASSERT_OK_AND_ASSIGN(const auto background,
                         BackgroundSum::Create(comm, OneEach(comm.num_ranks()), Reduction::kFast));
    const double mine = 1 / (3.0 + comm.rank().value());
    std::vector<double> values = {mine, -mine}, again = values, expected(2), sum(2);
    ASSERT_OK(OrderedSum(comm, OneEach(comm.num_ranks()), "expected", absl::MakeSpan(values),
                         absl::MakeSpan(expected)));
    std::vector<int64_t> counts = {1}, total(1);
    background->SubmitOrdered("values", absl::MakeSpan(again), absl::MakeSpan(sum));
    background->SubmitOrdered("counts", absl::MakeSpan(counts), absl::MakeSpan(total));
    ASSERT_OK(background->Wait());
    EXPECT_EQ(sum, expected);
    EXPECT_EQ(total[0], comm.num_ranks());
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
