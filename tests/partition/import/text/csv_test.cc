#include "partition/import/text/csv.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace quadhop {
namespace {

TextChunk ChunkOf(const std::string& text, int64_t first_line = 0) {
  TextChunk chunk;
  chunk.text = text;
  chunk.first_line = first_line;
  chunk.num_lines = std::count(text.begin(), text.end(), '\n');
  return chunk;
}

template <typename T>
std::vector<T> Parse(const std::string& text, int64_t num_columns) {
  const TextChunk chunk = ChunkOf(text);
  std::vector<T> out(static_cast<size_t>(chunk.num_lines * num_columns));
  const absl::Status status = ParseCsvChunk("f", chunk, num_columns, out.data());
  EXPECT_TRUE(status.ok()) << status;
  return out;
}

std::string MessageOf(const std::string& text, int64_t num_columns, int64_t first_line = 0) {
  std::vector<double> out(100);
  const absl::Status status =
      ParseCsvChunk("f.csv", ChunkOf(text, first_line), num_columns, out.data());
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  return std::string(status.message());
}

TEST(Csv, ReadsWholeNumbers) {
  EXPECT_EQ(Parse<int64_t>("0,12\n-3 , 9223372036854775807\r\n7,8\n", 2),
            (std::vector<int64_t>{0, 12, -3, INT64_MAX, 7, 8}));
}

TEST(Csv, ReadsNumbersWithAFraction) {
  EXPECT_EQ(Parse<float>("0.1,-2.5e-3,1\n3,4.,1e+2\n", 3),
            (std::vector<float>{0.1f, -0.0025f, 1.0f, 3.0f, 4.0f, 100.0f}));
}

TEST(Csv, ReadsEmptyFieldsAndNanAsNan) {
  for (const double value : Parse<double>("nan,,NaN,\"\",\r\n", 5)) EXPECT_TRUE(std::isnan(value));
}

TEST(Csv, RoundsWhatIsTooSmallToZeroAndWhatIsTooLargeToInfinity) {
  const std::vector<float> values = Parse<float>("1e-60,1e60,-1e400,1e-400\n", 4);
  const float inf = std::numeric_limits<float>::infinity();
  EXPECT_EQ(values, (std::vector<float>{0.0f, inf, -inf, 0.0f}));
}

TEST(Csv, NamesLineAndColumnOfWhatIsNoNumber) {
  EXPECT_EQ(MessageOf("1,2\n3,x4\n", 2, 10),
            "f.csv line 12 column 2 is \"x4\", which is not a number");
  EXPECT_EQ(MessageOf("1,2z\n", 2), "f.csv line 1 column 2 is \"2z\", which is not a number");
}

TEST(Csv, CountsColumns) {
  EXPECT_EQ(MessageOf("1,2\n3\n", 2), "f.csv line 2 has 1 columns where 2 are expected: \"3\"");
  EXPECT_EQ(MessageOf("1,2,3\n", 2), "f.csv line 1 has 3 columns where 2 are expected: \"1,2,3\"");
}

TEST(Csv, RefusesBlankLines) {
  EXPECT_EQ(MessageOf("1\n\n2\n", 1),
            "f.csv line 2 is blank; every line stands for one row: remove or fill it");
}

TEST(Csv, RefusesWholeNumbersWithAFractionOrBeyond64Bits) {
  std::vector<int64_t> out(2);
  for (const char* text : {"1.5\n", "9223372036854775808\n", "\n", "nan\n"})
    EXPECT_EQ(ParseCsvChunk("f", ChunkOf(text), 1, out.data()).code(),
              absl::StatusCode::kInvalidArgument)
        << text;
}

}  // namespace
}  // namespace quadhop
