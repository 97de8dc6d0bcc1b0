#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "core/files/file.h"
#include "partition/import/import.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class ImportInputsTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(MakeDirectories(folder_ / "in/deeper"));
    ASSERT_OK(WriteFileAtomically(folder_ / "in/arcs.txt", "0 1\n1 2\n"));
    options_.from = folder_ / "in/arcs.txt";
    options_.store = folder_ / "s.qh";
  }
  std::string Inputs() {
    const absl::StatusOr<std::string> inputs = ImportInputs(options_);
    EXPECT_OK(inputs);
    return inputs.value_or("");
  }

  ImportOptions WithFormat(const char* format) const {
    ImportOptions options = options_;
    options.format = format;
    return options;
  }

  TempDir folder_;
  ImportOptions options_;
};

TEST_F(ImportInputsTest, ChangeWithTheTimeAndTheBytesOfAFile) {
  const std::string before = Inputs();
  EXPECT_THAT(before, HasSubstr("--from arcs.txt 8 bytes"));
  EXPECT_EQ(Inputs(), before);
  const auto changed = std::filesystem::last_write_time(options_.from);
  std::filesystem::last_write_time(options_.from, changed + std::chrono::nanoseconds(1));
  EXPECT_NE(Inputs(), before);
  std::filesystem::last_write_time(options_.from, changed);
  EXPECT_EQ(Inputs(), before);
  ASSERT_OK(WriteFileAtomically(options_.from, "0 2\n1 2\n"));  // as many bytes
  std::filesystem::last_write_time(options_.from, changed);
  EXPECT_NE(Inputs(), before);
  ASSERT_OK(WriteFileAtomically(options_.from, "0 2\n"));
  std::filesystem::last_write_time(options_.from, changed);
  EXPECT_NE(Inputs(), before);
}

TEST_F(ImportInputsTest, AreTheSameWhereverTheyLieAndHoweverThatIsSaid) {
  for (const char* from : {"in/arcs.txt", "in"}) {
    SCOPED_TRACE(from);
    options_.from = folder_ / from;
    const std::string before = Inputs();
    ASSERT_OK_AND_ASSIGN(const std::string options, ImportProvenance(WithFormat("edge-list")));
    ASSERT_OK(MakeDirectories(folder_ / "moved"));
    std::filesystem::rename(folder_ / "in", folder_ / "moved/to");
    options_.from = folder_ / "moved/../moved/to" + std::string(from).substr(2);
    EXPECT_EQ(Inputs(), before);
    EXPECT_THAT(ImportProvenance(WithFormat("edge-list")), IsOkAndHolds(options));
    EXPECT_THAT(ImportSources(options_), AllOf(HasSubstr("moved/to"), Not(HasSubstr(".."))));
    std::filesystem::rename(folder_ / "moved/to", folder_ / "in");
  }
}

TEST_F(ImportInputsTest, ChangeWithAnyFileOfAFolderButThoseOfAStoreInIt) {
  options_.from = folder_ / "in";
  options_.store = folder_ / "in/s.qh";
  const std::string before = Inputs();
  ASSERT_OK(MakeDirectories(options_.store));
  ASSERT_OK(WriteFileAtomically(options_.store + "/store.textproto", ""));
  EXPECT_EQ(Inputs(), before);
  ASSERT_OK(MakeDirectories(folder_ / "in/.ipynb_checkpoints"));
  ASSERT_OK(WriteFileAtomically(folder_ / "in/.ipynb_checkpoints/look.ipynb", ""));
  ASSERT_OK(WriteFileAtomically(folder_ / "in/.DS_Store", ""));
  EXPECT_EQ(Inputs(), before);
  ASSERT_OK(WriteFileAtomically(folder_ / "in/deeper/labels.csv", ""));
  EXPECT_NE(Inputs(), before);
}

TEST_F(ImportInputsTest, AreNoRunsAndAreWhatLinksLeadTo) {
  options_.from = folder_ / "in";
  ASSERT_OK(MakeDirectories(folder_ / "elsewhere"));
  std::filesystem::create_directory_symlink(folder_ / "elsewhere", folder_ / "in/link");
  std::filesystem::create_directory_symlink(folder_ / "in", folder_ / "elsewhere/back");
  const std::string before = Inputs();
  ASSERT_OK(MakeDirectories(folder_ / "in/run"));
  ASSERT_OK(WriteFileAtomically(folder_ / "in/run/store.txt", ""));
  EXPECT_EQ(Inputs(), before);
  ASSERT_OK(WriteFileAtomically(folder_ / "elsewhere/labels.csv", ""));
  EXPECT_NE(Inputs(), before);
}

TEST_F(ImportInputsTest, AreTheFilesThatBeginSoWhereAFormatIsToldByThat) {
  options_.from = folder_ / "in/ind.cora";
  EXPECT_THAT(ImportInputs(options_), StatusIs(absl::StatusCode::kNotFound));
  ASSERT_OK(WriteFileAtomically(folder_ / "in/ind.cora.x", ""));
  EXPECT_THAT(Inputs(), AllOf(HasSubstr("ind.cora.x 0 bytes"), Not(HasSubstr("arcs"))));
}

TEST_F(ImportInputsTest, AreNamedByTheirFlagWhereTheyAreAbsent) {
  options_.labels = folder_ / "absent.npy";
  EXPECT_THAT(ImportInputs(options_), StatusIs(absl::StatusCode::kNotFound,
                                               AllOf(HasSubstr("--labels"), HasSubstr("absent"))));
}

TEST_F(ImportInputsTest, MayNotLieInTheStore) {
  options_.store = folder_ / "in";
  EXPECT_THAT(Import(options_, *std::make_unique<ThreadPool>(1)),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("--from"), HasSubstr("lies in the folder of the store"))));
  options_.from = folder_ / "in";
  EXPECT_THAT(ImportInputs(options_), StatusIs(absl::StatusCode::kInvalidArgument));
  options_.store = folder_ / "in2";  // which begins the same
  EXPECT_OK(ImportInputs(options_));
}

TEST_F(ImportInputsTest, AreKeptByTheStoreToSeeThemChange) {
  ThreadPool pool(1);
  ASSERT_OK(Import(options_, pool));
  ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(options_.store));
  ASSERT_OK_AND_ASSIGN(const std::string same, ImportProvenance(options_));
  EXPECT_FALSE(InputsChanged(*store, same, Inputs()));
  EXPECT_TRUE(InputsChanged(*store, same, "others"));
  EXPECT_FALSE(InputsChanged(*store, "other options", "others")) << "then options have changed";
}

}  // namespace
}  // namespace quadhop
