#include "launch/display/terminal_line.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "tests/launch/display/pseudo_terminal.h"

namespace quadhop {
namespace {

using TerminalLineTest = PseudoTerminalTest;

TEST_F(TerminalLineTest, IsWrittenOverAFewTimesASecondAndErased) {
  {
    TerminalLine line(true, file());
    const absl::Time start = absl::Now();
    EXPECT_FALSE(line.IsDue(start)) << "a short pass shows nothing";
    const absl::Time later = start + absl::Seconds(1);
    EXPECT_TRUE(line.IsDue(later));
    line.Show("one", later);
    EXPECT_EQ(ReadUntil("\r\x1b[Kone"), "\r\x1b[Kone");
    EXPECT_FALSE(line.IsDue(later + absl::Milliseconds(100)));
    EXPECT_TRUE(line.IsDue(later + absl::Milliseconds(250)));
    line.Show("two", later + absl::Milliseconds(250));
    EXPECT_EQ(ReadUntil("\r\x1b[Ktwo"), "\r\x1b[Ktwo");
  }
  EXPECT_EQ(ReadUntil("\r\x1b[K"), "\r\x1b[K");
}

// A second row would stay when the line is written over.
TEST_F(TerminalLineTest, IsCutToTheTerminalsWidth) {
  TerminalLine line(true, file());
  SetColumns(6);
  line.Show("four\xc3\xa4 six");
  EXPECT_EQ(ReadUntil("\r\x1b[Kfour\xc3\xa4"), "\r\x1b[Kfour\xc3\xa4");
  SetColumns(8);
  line.Show("seven..");
  EXPECT_EQ(ReadUntil("\r\x1b[Kseven.."), "\r\x1b[Kseven..");
}

TEST_F(TerminalLineTest, OfAnotherRankIsNotWritten) {
  TerminalLine line(false, file());
  EXPECT_FALSE(line.IsDue(absl::InfiniteFuture()));
  line.Show("one");
  EXPECT_EQ(Read(), "");
}

TEST(TerminalLine, IsNotWrittenToAFile) {
  std::FILE* const file = std::tmpfile();
  {
    TerminalLine line(true, file);
    EXPECT_FALSE(line.IsDue(absl::InfiniteFuture()));
    line.Show("one");
  }
  EXPECT_EQ(std::ftell(file), 0);
  std::fclose(file);
}

TEST(PassLine, SaysWhatIsLeftAtTheSpeedSoFar) {
  EXPECT_EQ(PassLine("predict", 0, 400, absl::Seconds(1)), "predict  step 0/400");
  EXPECT_EQ(PassLine("predict", 100, 400, absl::Seconds(40)), "predict  step 100/400  2m00s left");
}

}  // namespace
}  // namespace quadhop
