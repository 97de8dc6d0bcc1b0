#include "launch/display/step_display.h"

#include <absl/time/clock.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <string>

#include "tests/launch/display/pseudo_terminal.h"

namespace quadhop {
namespace {

using testing::ContainsRegex;
using testing::EndsWith;
using testing::HasSubstr;

TEST(StepLine, SaysWhatIsKnown) {
  EXPECT_EQ(StepLine("import", "", -1, absl::Milliseconds(400)), "import  0s");
  EXPECT_EQ(StepLine("encode", "svd: product 3", -1, absl::Seconds(61)),
            "encode  svd: product 3  1m01s");
  EXPECT_EQ(StepLine("import", "edge.csv.gz", 0.456, absl::Milliseconds(59900)),
            "import  edge.csv.gz  46 %  59s");
}

using StepDisplayTest = PseudoTerminalTest;

TEST_F(StepDisplayTest, KeepsALineOfTheStepUntilItEnds) {
  StepDisplay display(true, file(), absl::Milliseconds(5));
  absl::SleepFor(absl::Milliseconds(20));
  EXPECT_EQ(Read(), "") << "no step is at work";
  display.Begin("import");
  EXPECT_THAT(ReadUntil(HasSubstr("0s")), HasSubstr("\r\x1b[Kimport  0s"));
  const ProgressHook hook = display.hook();
  hook("edge.csv", 0.5);
  EXPECT_THAT(ReadUntil(HasSubstr("50 %  ")), HasSubstr("import  edge.csv  50 %  "));
  EXPECT_THAT(ReadUntil(HasSubstr("50 %  1s")), ContainsRegex("50 %  [1-9][0-9]?s"))
      << "without a word of it";
  display.End();
  EXPECT_THAT(ReadUntil(EndsWith("\r\x1b[K")), EndsWith("\r\x1b[K"));
  absl::SleepFor(absl::Milliseconds(20));
  EXPECT_EQ(Read(), "");
}

TEST_F(StepDisplayTest, OfTheNextStepForgetsWhatTheOneBeforeWasAt) {
  StepDisplay display(true, file(), absl::Milliseconds(5));
  display.Begin("import");
  display.hook()("edge.csv", 0.5);
  display.Begin("partition");
  EXPECT_THAT(ReadUntil(HasSubstr("partition  0s")), HasSubstr("partition  0s"));
}

TEST_F(StepDisplayTest, ShowsNothingOfAStepThatIsShort) {
  {
    StepDisplay display(true, file(), absl::Minutes(1));
    display.Begin("import");
    display.End();
  }
  EXPECT_EQ(Read(), "");
}

TEST(StepDisplay, IsNotWrittenToAFileAndHearsNothing) {
  std::FILE* const file = std::tmpfile();
  {
    StepDisplay display(true, file, absl::Milliseconds(1));
    EXPECT_FALSE(display.hook());
    display.Begin("import");
    absl::SleepFor(absl::Milliseconds(20));
    display.End();
  }
  EXPECT_EQ(std::ftell(file), 0);
  std::fclose(file);
}

}  // namespace
}  // namespace quadhop
