#include "partition/steps/node_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace quadhop {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(KeyOfName, IsTheNumberOfAnId) {
  EXPECT_EQ(KeyOfName("0"), 0);
  EXPECT_EQ(KeyOfName("1234567890123"), 1234567890123);
}

TEST(KeyOfName, TellsNamesApartThatOnlyLookLikeNumbers) {
  for (const char* name : {"007", "-7", "7.0", " 7", "7 ", "+7", "seven"})
    EXPECT_NE(KeyOfName(name), KeyOfName("7")) << name;
  EXPECT_NE(KeyOfName("a"), KeyOfName("b"));
}

TEST(KeysOfNames, AreThoseOfTheLines) {
  EXPECT_THAT(KeysOfNames("5\na\n12\n"), ElementsAre(5, KeyOfName("a"), 12));
  EXPECT_THAT(KeysOfNames("5\na"), ElementsAre(5, KeyOfName("a")));
  EXPECT_THAT(KeysOfNames(""), IsEmpty());
}

}  // namespace
}  // namespace quadhop
