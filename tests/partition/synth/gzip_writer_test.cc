#include "partition/synth/gzip_writer.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "core/base/rng.h"
#include "tests/partition/import/import_testing.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

std::string TextOfBlock(int64_t block) {
  RandomStream random(static_cast<uint64_t>(block), RandomPurpose::kTest, 0, 0);
  std::string text;
  for (int64_t i = 0; i < 1000 * block; ++i) text += std::to_string(random.Next32()) + ",\n";
  return text;
}

// As the system's gzip inflates it.
std::string Gunzip(const std::string& path) {
  std::FILE* pipe = popen(("gzip -dc '" + path + "'").c_str(), "r");
  std::string text;
  char buffer[65536];
  for (size_t count; (count = std::fread(buffer, 1, sizeof(buffer), pipe)) > 0;)
    text.append(buffer, count);
  EXPECT_EQ(pclose(pipe), 0);
  return text;
}

TEST(GzipWriter, WritesWhatGzipReads) {
  const TempDir folder;
  ThreadPool pool(3);
  std::string expected;
  for (int64_t block = 0; block < 30; ++block) expected += TextOfBlock(block);
  ASSERT_OK(WriteGzipFile(folder / "a.gz", 30, TextOfBlock, pool));
  EXPECT_EQ(Gunzip(folder / "a.gz"), expected);
  EXPECT_FALSE(std::filesystem::exists(folder / "a.gz.tmp"));
}

TEST(GzipWriter, WritesAnEmptyText) {
  const TempDir folder;
  ThreadPool pool(1);
  ASSERT_OK(WriteGzipFile(folder / "a.gz", 0, TextOfBlock, pool));
  EXPECT_EQ(Gunzip(folder / "a.gz"), "");
}

TEST(GzipWriter, LeavesNothingBesideANameThatCannotBeTaken) {
  const TempDir folder;
  ThreadPool pool(1);
  std::filesystem::create_directories(folder / "a.gz/in_the_way");
  EXPECT_FALSE(WriteGzipFile(folder / "a.gz", 1, TextOfBlock, pool).ok());
  EXPECT_FALSE(std::filesystem::exists(folder / "a.gz.tmp"));
}

TEST(GzipWriter, NamesTheFileThatCannotBeWritten) {
  const TempDir folder;
  ThreadPool pool(1);
  EXPECT_THAT(WriteGzipFile(folder / "absent/a.gz", 1, TextOfBlock, pool),
              StatusIs(absl::StatusCode::kNotFound, testing::HasSubstr("absent/a.gz")));
}

}  // namespace
}  // namespace quadhop
