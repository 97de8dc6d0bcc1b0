#include "launch/results/row_file.h"

#include <gtest/gtest.h>

#include "core/files/file.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

class RowFileFormats : public ::testing::TestWithParam<std::string> {};

TEST_P(RowFileFormats, LeaveNothingBesideANameThatCannotBeTaken) {
  const TempDir folder;
  const std::string path = folder / GetParam();
  ASSERT_OK(MakeDirectories(path + "/in_the_way"));  // a folder that is not empty is not replaced
  {
    ASSERT_OK_AND_ASSIGN(RowFile rows, RowFile::Create(path, {DType::kF32, {3, 2}}));
    RowFile::Text text;
    text.header = "node,a,b";
    text.node = [](int64_t row) { return std::to_string(row); };
    EXPECT_FALSE(rows.Finish(text).ok());
  }
  ASSERT_OK_AND_ASSIGN(const std::vector<std::string> names, ListFolder(folder.path()));
  EXPECT_EQ(names, std::vector<std::string>{GetParam()});
}

INSTANTIATE_TEST_SUITE_P(All, RowFileFormats, ::testing::Values("a.npy", "a.csv"),
                         [](const auto& tested) { return tested.param.substr(2); });

}  // namespace
}  // namespace quadhop
