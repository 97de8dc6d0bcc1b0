#include "launch/command_line/nearest.h"

#include <gtest/gtest.h>

#include <vector>

namespace quadhop {
namespace {

TEST(DidYouMean, NamesTheNearestWordOrNone) {
  const std::vector<std::string> words = {"train", "plan", "prep", "partition", "predict"};
  EXPECT_EQ(DidYouMean("trian", words), "; did you mean train?");
  EXPECT_EQ(DidYouMean("tran", words), "; did you mean train?");
  EXPECT_EQ(DidYouMean("partiton", words), "; did you mean partition?");
  EXPECT_EQ(DidYouMean("predcit", words), "; did you mean predict?");
  EXPECT_EQ(DidYouMean("part", words), "; did you mean partition?");
  EXPECT_EQ(DidYouMean("epochs", words), "");
  EXPECT_EQ(DidYouMean("lnp", words), "");
  EXPECT_EQ(DidYouMean("TRAIN", words), "; did you mean train?");
  EXPECT_EQ(DidYouMean("--foo", {"--from", "--id"}), "");
  EXPECT_EQ(DidYouMean("", words), "");
  EXPECT_EQ(DidYouMean("train", {}), "");
}

}  // namespace
}  // namespace quadhop
