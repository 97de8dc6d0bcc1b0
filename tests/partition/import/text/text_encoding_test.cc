#include "partition/import/text/text_encoding.h"

#include <gtest/gtest.h>

#include <string>

namespace quadhop {
namespace {

TEST(Shown, LeavesTextInUtf8AsItIs) {
  EXPECT_EQ(Shown("Ünïcode, 東京"), "Ünïcode, 東京");
  EXPECT_EQ(Shown(""), "");
}

TEST(Shown, EscapesWhatIsNoText) {
  EXPECT_EQ(Shown("b\xe9\r\"\x01"), "b\\xe9\\r\\\"\\x01");
  EXPECT_EQ(Shown("\xe6\x9d"), "\\xe6\\x9d");  // a character cut short
}

TEST(Shown, CutsLongTextBetweenCharacters) {
  EXPECT_EQ(Shown(std::string(60, 'a')), std::string(60, 'a'));
  EXPECT_EQ(Shown(std::string(61, 'a')), std::string(60, 'a') + "...");
  EXPECT_EQ(Shown(std::string(59, 'a') + "éb"), std::string(59, 'a') + "é...");
}

}  // namespace
}  // namespace quadhop
