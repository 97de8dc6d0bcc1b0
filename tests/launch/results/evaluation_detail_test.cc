#include "launch/results/evaluation_detail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/run_ranks.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

TEST(EvaluationDetail, CountsOverRanksByClassAndByDegree) {
  RunRanks(2, [](Communicator& comm) {
    EvaluationDetail detail(2);
    const bool first = comm.rank() == Rank(0);
    detail.Add(/*predicted=*/0, /*label=*/0, /*degree=*/0);
    detail.Add(1, first ? 0 : 1, first ? 4 : 7);
    EXPECT_OK(detail.Sum(comm));
    EXPECT_EQ(detail.ToJson().ToString(),
              R"({"confusion":[[2,1],[0,1]],"degrees":[{"from":0,"nodes":2,"right":2},)"
              R"({"from":4,"nodes":2,"right":1}]})");
  });
}

TEST(EvaluationDetail, TellsWhetherNodesOfSeveralClassesAreSaidToBeOfOne) {
  EvaluationDetail detail(3);
  EXPECT_FALSE(detail.PredictsOneClass());
  detail.Add(/*predicted=*/1, /*label=*/1, /*degree=*/0);
  EXPECT_FALSE(detail.PredictsOneClass());  // as they should be
  detail.Add(1, 2, 0);
  EXPECT_TRUE(detail.PredictsOneClass());
  detail.Add(2, 2, 0);
  EXPECT_FALSE(detail.PredictsOneClass());
}

TEST(EvaluationDetail, LeavesAConfusionOfTooManyClassesOut) {
  EvaluationDetail detail(EvaluationDetail::kMaxConfusionClasses + 1);
  detail.Add(0, EvaluationDetail::kMaxConfusionClasses, 1);
  EXPECT_EQ(detail.ToJson().ToString(), R"({"degrees":[{"from":1,"nodes":1,"right":0}]})");
}

}  // namespace
}  // namespace quadhop
