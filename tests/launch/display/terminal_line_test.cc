#include "launch/display/terminal_line.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace quadhop {
namespace {

// A terminal: what is written to file() comes out of Read.
class TerminalLineTest : public testing::Test {
 protected:
  void SetUp() override {
    far_ = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (far_ < 0 || grantpt(far_) != 0 || unlockpt(far_) != 0)
      GTEST_SKIP() << "no pseudo-terminal is to be had here";
    file_ = std::fopen(ptsname(far_), "w");
    ASSERT_NE(file_, nullptr);
  }
  void TearDown() override {
    if (file_ != nullptr) std::fclose(file_);
    if (far_ >= 0) close(far_);
  }
  std::string Read() const {
    std::string text(4096, '\0');
    const ssize_t got = read(far_, text.data(), text.size());
    text.resize(got < 0 ? 0 : static_cast<size_t>(got));
    return text;
  }

  int far_ = -1;
  std::FILE* file_ = nullptr;
};

TEST_F(TerminalLineTest, IsWrittenOverAFewTimesASecondAndErased) {
  {
    TerminalLine line(true, file_);
    const absl::Time start = absl::Now();
    EXPECT_FALSE(line.IsDue(start)) << "a short pass shows nothing";
    const absl::Time later = start + absl::Seconds(1);
    EXPECT_TRUE(line.IsDue(later));
    line.Show("one", later);
    EXPECT_EQ(Read(), "\r\x1b[Kone");
    EXPECT_FALSE(line.IsDue(later + absl::Milliseconds(100)));
    EXPECT_TRUE(line.IsDue(later + absl::Milliseconds(250)));
    line.Show("two", later + absl::Milliseconds(250));
    EXPECT_EQ(Read(), "\r\x1b[Ktwo");
  }
  EXPECT_EQ(Read(), "\r\x1b[K");
}

TEST_F(TerminalLineTest, OfAnotherRankIsNotWritten) {
  TerminalLine line(false, file_);
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
