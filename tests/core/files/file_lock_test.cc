#include "core/files/file_lock.h"

#include <absl/types/optional.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/files/file.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using testing::HasSubstr;

TEST(FileLock, OneAtATimeHasTheLockOfAFileOrAFolder) {
  const TempDir folder;
  {
    ASSERT_OK_AND_ASSIGN(const FileLock of_file, FileLock::OfFile(folder / "lock", "me\n"));
    ASSERT_OK_AND_ASSIGN(const FileLock of_folder, FileLock::OfFolder(folder.path()));
    EXPECT_THAT(FileLock::OfFile(folder / "lock", "you\n"),
                StatusIs(absl::StatusCode::kUnavailable, HasSubstr("lock is locked")));
    EXPECT_EQ(ReadFile(folder / "lock").value(), "me\n");
    EXPECT_THAT(FileLock::OfFolder(folder.path()), StatusIs(absl::StatusCode::kUnavailable));
  }
  EXPECT_OK(FileLock::OfFile(folder / "lock", ""));
  EXPECT_EQ(ReadFile(folder / "lock").value(), "");
  EXPECT_OK(FileLock::OfFolder(folder.path()));
}

TEST(FileLock, OfAFolderIsSharedByThoseWhoRead) {
  const TempDir folder;
  {
    ASSERT_OK_AND_ASSIGN(const FileLock one, FileLock::OfFolderToRead(folder.path()));
    EXPECT_OK(FileLock::OfFolderToRead(folder.path()));
    EXPECT_THAT(FileLock::OfFolder(folder.path()), StatusIs(absl::StatusCode::kUnavailable));
  }
  ASSERT_OK_AND_ASSIGN(const FileLock writer, FileLock::OfFolder(folder.path()));
  EXPECT_THAT(FileLock::OfFolderToRead(folder.path()), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(FileLock::OfFolderToRead(folder / "absent"), StatusIs(absl::StatusCode::kNotFound));
}

TEST(FileLock, EndsWithTheProcessThatHadIt) {
  const TempDir folder;
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const absl::StatusOr<FileLock> lock = FileLock::OfFile(folder / "lock", "child");
    _exit(lock.ok() ? 0 : 1);  // nothing is destroyed
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_OK(FileLock::OfFile(folder / "lock", ""));
}

TEST(FileLock, IsFreeWhileNobodyHasItWhichAsksWithoutTakingIt) {
  const TempDir folder;
  EXPECT_FALSE(FileLock::IsFree(folder / "lock"));
  EXPECT_FALSE(FileExists(folder / "lock"));
  {
    ASSERT_OK_AND_ASSIGN(const FileLock lock, FileLock::OfFile(folder / "lock", "me\n"));
    EXPECT_FALSE(FileLock::IsFree(folder / "lock"));
  }
  EXPECT_TRUE(FileLock::IsFree(folder / "lock"));
  EXPECT_EQ(ReadFile(folder / "lock").value(), "me\n");
  EXPECT_OK(FileLock::OfFile(folder / "lock", ""));
}

TEST(FileLock, KnowsThatItsFileWasRemovedOrReplaced) {
  const TempDir folder;
  ASSERT_OK_AND_ASSIGN(const FileLock lock, FileLock::OfFile(folder / "lock", "me\n"));
  EXPECT_TRUE(lock.IsOf(folder / "lock"));
  ASSERT_OK(RemoveFileIfPresent(folder / "lock"));
  EXPECT_FALSE(lock.IsOf(folder / "lock"));
  ASSERT_OK_AND_ASSIGN(const FileLock other, FileLock::OfFile(folder / "lock", "you\n"));
  EXPECT_FALSE(lock.IsOf(folder / "lock"));
  EXPECT_TRUE(other.IsOf(folder / "lock"));
}

TEST(FileLock, WhatCannotBeOpenedIsAnError) {
  const TempDir folder;
  EXPECT_THAT(FileLock::OfFile(folder / "none/lock", ""), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(FileLock::OfFolder(folder / "none"), StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace quadhop
