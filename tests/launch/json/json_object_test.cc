#include "launch/json/json_object.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

TEST(JsonObject, WritesFieldsInOrderOnOneLine) {
  EXPECT_EQ(JsonObject()
                .Add("event", "step")
                .Add("step", int64_t{3})
                .Add("done", true)
                .Add("why", nullptr)
                .Add("of", JsonObject().Add("x", 1))
                .ToString(),
            R"({"event":"step","step":3,"done":true,"why":null,"of":{"x":1}})");
  EXPECT_EQ(JsonObject().ToString(), "{}");
}

TEST(JsonObject, WritesEveryDigitOfANumberAndNullForWhatIsNone) {
  EXPECT_EQ(JsonObject().Add("x", 0.1).Add("y", std::nan("")).ToString(),
            R"({"x":0.10000000000000001,"y":null})");
  EXPECT_EQ(JsonObject().Add("x", std::vector<double>{0.1, INFINITY, 2}).ToString(),
            R"({"x":[0.10000000000000001,null,2]})");
}

TEST(JsonObject, WritesArrays) {
  EXPECT_EQ(JsonObject()
                .Add("integers", std::vector<int64_t>{1, int64_t{1} << 60})
                .Add("none", std::vector<int64_t>())
                .Add("texts", std::vector<std::string>{"a", "\"b\""})
                .Add("objects", std::vector<JsonObject>{JsonObject(), JsonObject().Add("x", 1)})
                .Add("rows", std::vector<std::vector<int64_t>>{{1, 2}, {}, {3}})
                .ToString(),
            R"({"integers":[1,1152921504606846976],"none":[],"texts":["a","\"b\""],)"
            R"("objects":[{},{"x":1}],"rows":[[1,2],[],[3]]})");
}

TEST(JsonObject, EscapesTextsAndNamesAndReplacesWhatIsNotUtf8) {
  EXPECT_EQ(JsonObject().Add("n\n", "a\"b\n").ToString(), R"({"n\n":"a\"b\n"})");
  EXPECT_EQ(nlohmann::json::parse(JsonObject().Add("x", "\xff").ToString())["x"], "\xEF\xBF\xBD");
}

TEST(JsonObject, KeepsTheDigitsOfOneThatIsRead) {
  const std::string text = R"({"x":0.10000000000000001, "y":[1.50]})";
  ASSERT_OK_AND_ASSIGN(const JsonObject read, JsonObject::Read(text + "\n"));
  EXPECT_EQ(JsonObject().Add("of", read).ToString(), R"({"of":)" + text + "}");
  for (const char* other : {"", "[1]", "{\"x\":1", "3"})
    EXPECT_THAT(JsonObject::Read(other), StatusIs(absl::StatusCode::kDataLoss)) << other;
}

}  // namespace
}  // namespace quadhop
