#include "core/base/spread.h"

#include <gtest/gtest.h>

namespace quadhop {
namespace {

TEST(Spread, IsTheMeanAndTheSampleStandardDeviation) {
  const Spread spread = SpreadOf({1, 2, 4});
  EXPECT_DOUBLE_EQ(spread.mean, 7.0 / 3);
  EXPECT_DOUBLE_EQ(spread.deviation, 1.5275252316519468);  // statistics.stdev of Python
}

TEST(Spread, OfEqualValuesIsExactlyNone) {
  const Spread spread = SpreadOf({0.1, 0.1, 0.1});
  EXPECT_EQ(spread.mean, 0.1);
  EXPECT_EQ(spread.deviation, 0);
}

TEST(Spread, OfOneValueHasNoDeviation) { EXPECT_TRUE(std::isnan(SpreadOf({3}).deviation)); }

}  // namespace
}  // namespace quadhop
