#include "partition/linear_algebra/column_blocks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

TEST(ColumnBlocks, TakesAllColumnsOrWholeCacheLines) {
  EXPECT_EQ(ColumnsThatFit(50, 10, 500), 50);
  EXPECT_EQ(ColumnsThatFit(50, 10, 499), 48);
  EXPECT_EQ(ColumnsThatFit(50, 10, 319), 16);
  EXPECT_EQ(ColumnsThatFit(50, 10, -1), 16);
  EXPECT_EQ(ColumnsThatFit(5, 10, 0), 5);
}

// Two matrices in one file: element (i, j) of the first is 10 i + j.
TEST(ColumnBlocks, AreReadByRowsAsTheyWereWrittenByColumns) {
  const TempDir folder;
  ASSERT_OK_AND_ASSIGN(const auto file, ScratchFile::Create(folder.path()));
  constexpr int64_t kRows = 7, kWidth = 10, kColumns = 4;
  ColumnBlocks matrix(*file, kRows, kWidth, kColumns, sizeof(int32_t));
  ColumnBlocks other(*file, kRows, kWidth, kColumns, sizeof(int32_t));
  EXPECT_EQ(file->num_bytes(), 2 * kRows * kWidth * int64_t{sizeof(int32_t)});
  for (const int64_t begin : {8, 0, 4})
    for (const BlockRange rows : {BlockRange{3, 7}, BlockRange{0, 3}}) {
      std::vector<int32_t> values;
      for (int64_t i = rows.begin; i < rows.end; ++i)
        for (int64_t j = begin; j < std::min(begin + kColumns, kWidth); ++j)
          values.push_back(static_cast<int32_t>(10 * i + j));
      ASSERT_OK(matrix.Write(rows, begin, values.data()));
      values.assign(values.size(), -1);
      ASSERT_OK(other.Write(rows, begin, values.data()));
    }
  std::vector<int32_t> read(8);
  ASSERT_OK(matrix.Read({2, 4}, 4, read.data()));
  EXPECT_EQ(read, (std::vector<int32_t>{24, 25, 26, 27, 34, 35, 36, 37}));
  read.resize(4);
  ASSERT_OK(matrix.Read({5, 7}, 8, read.data()));
  EXPECT_EQ(read, (std::vector<int32_t>{58, 59, 68, 69}));
}

}  // namespace
}  // namespace quadhop
