#include "launch/training/progress.h"

#include <cstdio>
#include <string>

#include "core/file.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

TEST(ShortDuration, ShowsTwoUnits) {
  EXPECT_EQ(ShortDuration(absl::Milliseconds(420)), "0.42s");
  EXPECT_EQ(ShortDuration(absl::Seconds(8)), "8s");
  EXPECT_EQ(ShortDuration(absl::Seconds(59.6)), "1m00s");
  EXPECT_EQ(ShortDuration(absl::Seconds(245)), "4m05s");
  EXPECT_EQ(ShortDuration(absl::Hours(2) + absl::Minutes(3)), "2h03m");
}

TEST(FormatProgress, ShowsRateAndTimeLeft) {
  EXPECT_EQ(FormatProgress("epoch 3/10", 100, 400, "steps", absl::Seconds(4), "loss 1.5"),
            "epoch 3/10  100/400 steps  25 steps/s  12s left  loss 1.5");
}

TEST(FormatProgress, ShowsNoTimeLeftWhereItIsNotKnown) {
  EXPECT_EQ(FormatProgress("read", 0, 400, "lines", absl::Seconds(4), ""), "read  0/400 lines");
  EXPECT_EQ(FormatProgress("read", 10, 0, "lines", absl::Seconds(4), ""),
            "read  10 lines  2.5 lines/s");
}

TEST(Progress, WritesAPlainLineAnIntervalAndTheLast) {
  TempDir folder;
  const std::string path = folder / "out";
  std::FILE* out = std::fopen(path.c_str(), "w");
  ASSERT_NE(out, nullptr);
  const absl::Time start = absl::FromUnixSeconds(1000);
  {
    Progress progress({.label = "train", .total = 4, .unit = "steps", .out = out}, start);
    progress.Update(1, "", start + absl::Seconds(1));  // too early
    progress.Update(2, "", start + absl::Seconds(10));
    progress.Update(3, "", start + absl::Seconds(11));  // too early again
    progress.Update(4, "", start + absl::Seconds(12));  // the last
    Progress silent({.label = "other", .total = 1, .unit = "steps", .enabled = false, .out = out},
                    start);
    silent.Update(1, "", start + absl::Seconds(60));
  }
  std::fclose(out);
  ASSERT_OK_AND_ASSIGN(const std::string text, ReadFile(path));
  EXPECT_EQ(text,
            "train  2/4 steps  0.2 steps/s  10s left\n"
            "train  4/4 steps  0.3333 steps/s\n");
}

}  // namespace
}  // namespace quadhop
