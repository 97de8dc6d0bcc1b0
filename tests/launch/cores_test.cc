#include "launch/ranks/cores.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <thread>

namespace quadhop {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(SharesOfProcessors, GiveEachOfTwoRanksASocket) {
  EXPECT_THAT(SharesOfProcessors(2, "package:2 core:4 pu:1"),
              ElementsAre(ElementsAre(0, 1, 2, 3), ElementsAre(4, 5, 6, 7)));
}

TEST(SharesOfProcessors, KeepTheThreadsOfACoreTogether) {
  EXPECT_THAT(
      SharesOfProcessors(4, "package:2 core:2 pu:2"),
      ElementsAre(ElementsAre(0, 1), ElementsAre(2, 3), ElementsAre(4, 5), ElementsAre(6, 7)));
}

TEST(SharesOfProcessors, DoNotOverlapWhateverTheNumberOfRanks) {
  for (int32_t ranks = 1; ranks <= 16; ++ranks) {
    std::vector<int> all;
    for (const std::vector<int>& share : SharesOfProcessors(ranks, "package:2 core:4 pu:2")) {
      EXPECT_GE(share.size(), static_cast<size_t>(16 / ranks / 2)) << ranks;
      all.insert(all.end(), share.begin(), share.end());
    }
    std::sort(all.begin(), all.end());
    std::vector<int> each(16);
    std::iota(each.begin(), each.end(), 0);
    EXPECT_EQ(all, each) << ranks << " ranks";
  }
}

TEST(SharesOfProcessors, AreNoneWhereThereAreMoreRanksThanProcessors) {
  EXPECT_THAT(SharesOfProcessors(5, "core:4 pu:1"), IsEmpty());
}

TEST(SharesOfProcessors, OfThisMachineAreThoseItHas) {
  const std::vector<std::vector<int>> all = SharesOfProcessors(1);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_GE(all[0].size(), 1u);
}

}  // namespace
}  // namespace quadhop
