#include "comm/collectives/gather.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/rank_backend.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

using testing::ElementsAre;

class GatherTest : public ::testing::TestWithParam<RankBackend> {};

INSTANTIATE_TEST_SUITE_P(Implementations, GatherTest, ::testing::ValuesIn(RankBackends()),
                         [](const auto& test) { return test.param.name; });

TEST_P(GatherTest, HasEveryRanksValuesByRankThoughTheirNumbersDiffer) {
  GetParam().run(absl::Seconds(60), [](Communicator& comm) {
    const int32_t rank = comm.rank().value();
    const std::vector<int32_t> mine(static_cast<size_t>(rank), rank);  // rank 0 has none
    std::vector<int32_t> expected;
    std::vector<int64_t> expected_counts, counts = {-1};
    for (int32_t r = 0; r < comm.num_ranks(); ++r) expected_counts.push_back(r);
    for (int32_t r = 0; r < comm.num_ranks(); ++r)
      for (int32_t i = 0; i < r; ++i) expected.push_back(r);
    ASSERT_OK_AND_ASSIGN(const std::vector<int32_t> all,
                         GatherOverRanks<int32_t>(comm, "test", mine, &counts));
    EXPECT_EQ(all, expected);
    EXPECT_EQ(counts, expected_counts);
  });
}

TEST_P(GatherTest, HasEveryRanksTextEmptyOnesToo) {
  GetParam().run(absl::Seconds(60), [](Communicator& comm) {
    std::vector<std::string> expected;
    for (int32_t r = 0; r < comm.num_ranks(); ++r)
      expected.push_back(std::string(static_cast<size_t>(r), 'x'));
    ASSERT_OK_AND_ASSIGN(
        const std::vector<std::string> texts,
        GatherTexts(comm, "test", expected[static_cast<size_t>(comm.rank().value())]));
    EXPECT_EQ(texts, expected);
  });
}

TEST_P(GatherTest, BroadcastsAValueOfOneRank) {
  struct Pair {
    int64_t number;
    bool flag;
  };
  GetParam().run(absl::Seconds(60), [](Communicator& comm) {
    const Rank root(comm.num_ranks() - 1);
    const Pair mine = {comm.rank().value() + int64_t{5'000'000'000}, comm.rank() == root};
    ASSERT_OK_AND_ASSIGN(const Pair of_root, BroadcastValue(comm, "test", root, mine));
    EXPECT_EQ(of_root.number, root.value() + int64_t{5'000'000'000});
    EXPECT_TRUE(of_root.flag);
  });
}

TEST_P(GatherTest, BroadcastsATextOfOneRankWhateverTheOthersHave) {
  GetParam().run(absl::Seconds(60), [](Communicator& comm) {
    const std::string mine(static_cast<size_t>(comm.num_ranks() - comm.rank().value()), 'y');
    ASSERT_OK_AND_ASSIGN(const std::string text, BroadcastText(comm, "test", Rank(0), mine));
    EXPECT_EQ(text, std::string(static_cast<size_t>(comm.num_ranks()), 'y'));
    ASSERT_OK_AND_ASSIGN(const std::string none,
                         BroadcastText(comm, "test", Rank(0), comm.rank() == Rank(0) ? "" : "z"));
    EXPECT_EQ(none, "");
  });
}

TEST_P(GatherTest, BringsEveryRanksValuesToOneRankAlone) {
  GetParam().run(absl::Seconds(60), [](Communicator& comm) {
    const Rank root(comm.num_ranks() - 1);
    const std::vector<int32_t> mine(static_cast<size_t>(comm.rank().value()), 7);
    ASSERT_OK_AND_ASSIGN(const std::vector<int32_t> all,
                         GatherToRank<int32_t>(comm, "test", root, mine));
    const int32_t ranks = comm.num_ranks(), num_all = ranks * (ranks - 1) / 2;
    EXPECT_EQ(all, std::vector<int32_t>(static_cast<size_t>(comm.rank() == root ? num_all : 0), 7));
  });
}

TEST_P(GatherTest, SumsCountsBeyond32Bits) {
  GetParam().run(absl::Seconds(60), [](Communicator& comm) {
    const int64_t ranks = comm.num_ranks();
    std::vector<int64_t> counts = {int64_t{1} << 40, comm.rank().value()};
    ASSERT_OK(SumOverRanks(comm, "test", absl::MakeSpan(counts)));
    EXPECT_THAT(counts, ElementsAre(ranks << 40, ranks * (ranks - 1) / 2));
  });
}

TEST_P(GatherTest, SumsOfDifferentNumbersOfValuesAreRefused) {
  GetParam().run(absl::Seconds(60), [](Communicator& comm) {
    if (comm.num_ranks() == 1) return;
    std::vector<int64_t> counts(comm.rank() == Rank(0) ? 2 : 1);
    EXPECT_THAT(
        SumOverRanks(comm, "test", absl::MakeSpan(counts)),
        StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr("test: ranks sum")));
  });
}

}  // namespace
}  // namespace quadhop
