#include "launch/training/run_opening.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace quadhop {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(DiskAdvice, SaysWhatCheckpointsTakeWhereThereIsNoRoomForThem) {
  constexpr int64_t kGiga = 1000000000;
  EXPECT_EQ(DiskAdvice(2 * kGiga, 5, 10 * kGiga), "");
  EXPECT_THAT(DiskAdvice(2 * kGiga, 5, 10 * kGiga - 1),
              AllOf(HasSubstr("5 checkpoints of 2.00 GB take 10.00 GB"), HasSubstr("make room"),
                    HasSubstr("checkpoint.keep")));
}

}  // namespace
}  // namespace quadhop
