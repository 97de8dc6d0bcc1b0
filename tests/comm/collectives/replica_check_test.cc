#include "comm/collectives/replica_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/rank_backend.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

class ReplicaCheckTest : public ::testing::TestWithParam<RankBackend> {};

INSTANTIATE_TEST_SUITE_P(Implementations, ReplicaCheckTest, ::testing::ValuesIn(RankBackends()),
                         [](const auto& test) { return test.param.name; });

TEST_P(ReplicaCheckTest, IsContentWithEqualHashes) {
  GetParam().run(absl::Seconds(60), [](Communicator& comm) {
    EXPECT_OK(CheckReplicasAgree(comm, "weights", 0xFEDCBA9876543210u));
  });
}

TEST_P(ReplicaCheckTest, NamesTheRankThatDiffersOnEveryRank) {
  const int32_t num_ranks = GetParam().num_ranks;
  if (num_ranks == 1) GTEST_SKIP() << "one replica agrees with itself";
  // Of more than two ranks the odd one out is rank 0; of two, rank 0 is believed.
  const int32_t odd = num_ranks > 2 ? 0 : 1;
  GetParam().run(absl::Seconds(60), [&](Communicator& comm) {
    const uint64_t hash = comm.rank().value() == odd ? 1 : 2;
    EXPECT_THAT(CheckReplicasAgree(comm, "weights after step 300", hash),
                StatusIs(absl::StatusCode::kDataLoss,
                         testing::AllOf(testing::HasSubstr("weights after step 300"),
                                        testing::HasSubstr(absl::StrCat("rank ", odd, " of")))));
  });
}

}  // namespace
}  // namespace quadhop
