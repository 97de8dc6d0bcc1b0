#include "partition/import/text/text_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace quadhop {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> FieldsOf(absl::string_view line, char separator) {
  const Fields fields(line, separator);
  return {fields.begin(), fields.end()};
}

TEST(TextFields, AreSeparatedByWhatTheLineHasMostOfOutsideQuotes) {
  EXPECT_EQ(SeparatorOf("a\tb;c,d"), ',');
  EXPECT_EQ(SeparatorOf("a\tb|c"), '|');
  EXPECT_EQ(SeparatorOf("a b\tc"), '\t');
  EXPECT_EQ(SeparatorOf("a\tb, c\td"), '\t');
  EXPECT_EQ(SeparatorOf("a;0,5;0,25;b"), ';');
  EXPECT_EQ(SeparatorOf("a b"), ' ');
  EXPECT_EQ(SeparatorOf("\"a, b, c\";c"), ';');
}

TEST(TextFields, HaveNoBlanksAroundThem) {
  EXPECT_THAT(FieldsOf(" a , b c,d \r", ','), ElementsAre("a", "b c", "d"));
  EXPECT_THAT(FieldsOf("  a   b ", ' '), ElementsAre("a", "b"));
  EXPECT_THAT(FieldsOf("   ", ' '), IsEmpty());
}

TEST(TextFields, MayBeEmpty) {
  EXPECT_THAT(FieldsOf(",a,,", ','), ElementsAre("", "a", "", ""));
  EXPECT_THAT(FieldsOf("a\t", '\t'), ElementsAre("a", ""));
}

TEST(TextFields, MayHoldSeparatorsInQuotes) {
  EXPECT_THAT(FieldsOf("\"a, b\" ,c", ','), ElementsAre("a, b", "c"));
  EXPECT_THAT(FieldsOf("\"a b\" c", ' '), ElementsAre("a b", "c"));
  EXPECT_THAT(FieldsOf("x\t\"a\tb\"\t\"\"", '\t'), ElementsAre("x", "a\tb", ""));
  EXPECT_THAT(FieldsOf("\"he said \"\"hi, there\"\"\",c", ','),
              ElementsAre("he said \"hi, there\"", "c"));
  EXPECT_THAT(FieldsOf("\"T \"\"X\"\", part 2\",5", ','), ElementsAre("T \"X\", part 2", "5"));
}

TEST(TextFields, BeginWithAQuoteWhereNoOtherClosesIt) {
  EXPECT_THAT(FieldsOf("\"a,b", ','), ElementsAre("\"a", "b"));
  EXPECT_THAT(FieldsOf("\"a\"b,c", ','), ElementsAre("\"a\"b", "c"));
}

}  // namespace
}  // namespace quadhop
