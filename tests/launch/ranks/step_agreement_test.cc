#include "launch/ranks/step_agreement.h"

#include <vector>

#include "tests/support/run_ranks.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

TEST(StepAgreement, EveryRankLearnsOfARequestAtTheSameStep) {
  std::vector<std::vector<int>> stops(3), checkpoints(3);
  RunRanks(3, [&](Communicator& comm) {
    const auto r = static_cast<size_t>(comm.rank().value());
    ASSERT_OK_AND_ASSIGN(const auto agreement, StepAgreement::Create(comm));
    for (int step = 0; step < 6; ++step) {
      const Requests mine{comm.rank() == Rank(2) && step == 3, comm.rank() == Rank(0) && step == 1};
      ASSERT_OK_AND_ASSIGN(const Requests agreed, agreement->Exchange(mine));
      if (agreed.stop) stops[r].push_back(step);
      if (agreed.checkpoint) checkpoints[r].push_back(step);
    }
  });
  for (size_t r = 0; r < 3; ++r) {
    EXPECT_EQ(stops[r], std::vector<int>{4});
    EXPECT_EQ(checkpoints[r], std::vector<int>{2});
  }
}

TEST(StepAgreement, SettlingKnowsTheRequestsOfTheMomentAndOfTheLastStep) {
  RunRanks(2, [](Communicator& comm) {
    ASSERT_OK_AND_ASSIGN(const auto agreement, StepAgreement::Create(comm));
    const bool second = comm.rank() == Rank(1);
    ASSERT_OK(agreement->Exchange({false, second}));
    ASSERT_OK_AND_ASSIGN(const Requests settled, agreement->Settle({second, false}));
    EXPECT_TRUE(settled.stop);
    EXPECT_TRUE(settled.checkpoint);
    ASSERT_OK_AND_ASSIGN(const Requests later, agreement->Settle({}));
    EXPECT_FALSE(later.stop);
    EXPECT_FALSE(later.checkpoint);
  });
}

}  // namespace
}  // namespace quadhop
