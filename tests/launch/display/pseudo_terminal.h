// A terminal without a person.
#pragma once

#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace quadhop {

// What is written to file() comes out of Read.
class PseudoTerminalTest : public testing::Test {
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
  std::FILE* file() const { return file_; }
  void SetColumns(uint16_t columns) const {
    const winsize size = {.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    ASSERT_EQ(ioctl(far_, TIOCSWINSZ, &size), 0);
  }
  // What is there; "" if nothing is.
  std::string Read() const {
    std::string text(4096, '\0');
    const ssize_t got = read(far_, text.data(), text.size());
    text.resize(got < 0 ? 0 : static_cast<size_t>(got));
    return text;
  }

  // What is written until a matcher likes it, or for ten seconds: a terminal hands on later what
  // was written to it.
  std::string ReadUntil(const testing::Matcher<std::string>& wanted) const {
    std::string text;
    for (const absl::Time end = absl::Now() + absl::Seconds(10);
         absl::Now() < end && !wanted.Matches(text); absl::SleepFor(absl::Milliseconds(1)))
      text += Read();
    return text;
  }

 private:
  int far_ = -1;
  std::FILE* file_ = nullptr;
};

}  // namespace quadhop
