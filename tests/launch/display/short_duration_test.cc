#include "launch/display/short_duration.h"

#include <gtest/gtest.h>

namespace quadhop {
namespace {

TEST(ShortDuration, ShowsTwoUnits) {
  EXPECT_EQ(ShortDuration(absl::Milliseconds(420)), "0.42s");
  EXPECT_EQ(ShortDuration(absl::Seconds(8)), "8s");
  EXPECT_EQ(ShortDuration(absl::Seconds(59.6)), "1m00s");
  EXPECT_EQ(ShortDuration(absl::Seconds(245)), "4m05s");
  EXPECT_EQ(ShortDuration(absl::Hours(2) + absl::Minutes(3)), "2h03m");
}

}  // namespace
}  // namespace quadhop
