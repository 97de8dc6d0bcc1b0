#include "launch/ranks/cores.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <vector>

#include "core/base/check.h"

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

cpu_set_t SetOf(const std::vector<int>& processors) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int processor : processors) CPU_SET(static_cast<size_t>(processor), &set);
  return set;
}

// What `body` leaves of the affinity of a process that starts with `mask`.
cpu_set_t AffinityAfter(const cpu_set_t& mask, const std::function<void()>& body) {
  int pipe_ends[2];
  QH_CHECK(pipe(pipe_ends) == 0);
  // Of the parent, so that threads which a sanitizer starts in the child have it, too.
  cpu_set_t before;
  QH_CHECK(sched_getaffinity(0, sizeof(before), &before) == 0);
  QH_CHECK(sched_setaffinity(0, sizeof(mask), &mask) == 0);
  const pid_t child = fork();
  if (child == 0) {
    cpu_set_t left;
    body();
    QH_CHECK(sched_getaffinity(0, sizeof(left), &left) == 0);
    QH_CHECK(write(pipe_ends[1], &left, sizeof(left)) == sizeof(left));
    _exit(0);
  }
  QH_CHECK(sched_setaffinity(0, sizeof(before), &before) == 0);
  cpu_set_t left;
  CPU_ZERO(&left);
  EXPECT_EQ(read(pipe_ends[0], &left, sizeof(left)), static_cast<ssize_t>(sizeof(left)));
  waitpid(child, nullptr, 0);
  close(pipe_ends[0]);
  close(pipe_ends[1]);
  return left;
}

class BindToShare : public testing::Test {
 protected:
  void SetUp() override {
    QH_CHECK(sched_getaffinity(0, sizeof(all_), &all_) == 0);
    shares_ = SharesOfProcessors(2);
    size_t num_processors = 0;
    for (const std::vector<int>& share : shares_) num_processors += share.size();
    if (shares_.empty() || static_cast<size_t>(CPU_COUNT(&all_)) != num_processors)
      GTEST_SKIP() << "needs two processors that this process may use";
  }
  cpu_set_t all_;
  std::vector<std::vector<int>> shares_;
};

TEST_F(BindToShare, LeavesARankItsShare) {
  for (int32_t rank : {0, 1}) {
    const cpu_set_t left = AffinityAfter(all_, [&] { BindToShareOfProcessors(rank, 2, 1); });
    const cpu_set_t share = SetOf(shares_[static_cast<size_t>(rank)]);
    EXPECT_TRUE(CPU_EQUAL(&left, &share)) << "rank " << rank;
  }
}

TEST_F(BindToShare, LeavesAProcessWhereTheLauncherHasBoundIt) {
  const cpu_set_t one = SetOf({shares_[1].front()});
  const cpu_set_t left = AffinityAfter(one, [] { BindToShareOfProcessors(0, 2, 1); });
  EXPECT_TRUE(CPU_EQUAL(&left, &one));
}

TEST_F(BindToShare, LeavesAllProcessorsToRanksWithMoreThreadsThanAShareHas) {
  const cpu_set_t left = AffinityAfter(
      all_, [&] { BindToShareOfProcessors(0, 2, static_cast<int>(shares_[0].size()) + 1); });
  EXPECT_TRUE(CPU_EQUAL(&left, &all_));
}

TEST(SharesOfProcessors, OfThisMachineAreThoseItHas) {
  const std::vector<std::vector<int>> all = SharesOfProcessors(1);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_GE(all[0].size(), 1u);
}

TEST(NumThreads, SharesTheCoresButIsNeverLessThanOne) {
  EXPECT_EQ(NumThreads(5, 100), 5);
  EXPECT_EQ(NumThreads(0, 1), AvailableCores());
  EXPECT_EQ(NumThreads(0, 100000), 1);
}

}  // namespace
}  // namespace quadhop
