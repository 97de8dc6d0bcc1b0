#include "comm/nccl/nccl.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/cuda/cuda_device.h"
#include "tests/support/run_ranks.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

using ::testing::HasSubstr;

TEST(Nccl, RefusesTwoRanksOnOneGpuAndNamesThem) {
  if (cuda::NumVisibleDevices() == 0) GTEST_SKIP() << "needs a GPU";
  RunRanks(3, [](Communicator& bootstrap) {
    // Of ranks 0, 1 and 2, the last two are local rank 0 of a host.
    const int local_rank = bootstrap.rank().value() == 0 ? 1 : 0;
    const auto comm = MakeNcclCommunicator(bootstrap, local_rank, absl::Seconds(60));
    EXPECT_THAT(comm.status(),
                StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("have the same GPU")));
  });
}

TEST(DeviceOfLocalRank, GoesRoundTheVisibleDevices) {
  EXPECT_EQ(cuda::DeviceOfLocalRank(0, 4), 0);
  EXPECT_EQ(cuda::DeviceOfLocalRank(3, 4), 3);
  EXPECT_EQ(cuda::DeviceOfLocalRank(4, 4), 0);
  EXPECT_EQ(cuda::DeviceOfLocalRank(5, 1), 0);
}

}  // namespace
}  // namespace quadhop
