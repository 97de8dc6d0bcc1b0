// A process that dies at any rename or unlink of a commit leaves a store that is whole or can be
// finished.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "core/files/file.h"
#include "core/store/manifest.h"
#include "core/store/store.h"
#include "core/store/store_writer.h"
#include "tests/core/folder.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace {

constexpr int kCrashed = 42;
int calls_before_crash = -1;  // < 0: never

void CountDown() {
  if (calls_before_crash == 0) _exit(kCrashed);
  if (calls_before_crash > 0) --calls_before_crash;
}

}  // namespace

// These take the place of the C library's in this program.
extern "C" int rename(const char* from, const char* to) noexcept {
  CountDown();
  return static_cast<int>(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}
extern "C" int unlink(const char* path) noexcept {
  CountDown();
  return static_cast<int>(syscall(SYS_unlinkat, AT_FDCWD, path, 0));
}

namespace quadhop {
namespace {

absl::Status WriteBefore(const std::string& path) {
  ThreadPool pool(1);
  QH_ASSIGN_OR_RETURN(const auto writer, StoreWriter::Begin(path));
  QH_RETURN_IF_ERROR(writer->AddText("replaced.txt", "old"));
  QH_RETURN_IF_ERROR(writer->AddText("kept.txt", "kept"));
  QH_RETURN_IF_ERROR(writer->AddText("removed.txt", "gone"));
  Provenance step;
  step.set_step("import");
  return writer->Commit(step, pool);
}

absl::Status WriteAfter(const std::string& path) {
  ThreadPool pool(1);
  QH_ASSIGN_OR_RETURN(const auto writer, StoreWriter::Begin(path));
  QH_RETURN_IF_ERROR(writer->AddText("replaced.txt", "new"));  // of the same size as before
  QH_RETURN_IF_ERROR(writer->AddArray("added.npy", DType::kI32, {5}).status());
  LeaveOut(writer->manifest(), "removed.txt");
  Provenance step;
  step.set_step("partition");
  return writer->Commit(step, pool);
}

// Runs WriteAfter in a process that dies before its n-th rename or unlink. True if it lived to the
// end.
bool LivesThrough(int calls, const std::string& path) {
  const pid_t child = fork();
  if (child == 0) {
    calls_before_crash = calls;
    _exit(WriteAfter(path).ok() ? 0 : 1);
  }
  int state = 0;
  EXPECT_EQ(waitpid(child, &state, 0), child);
  EXPECT_TRUE(WIFEXITED(state) && (WEXITSTATUS(state) == 0 || WEXITSTATUS(state) == kCrashed))
      << state;
  return WIFEXITED(state) && WEXITSTATUS(state) == 0;
}

TEST(StoreCrash, AtEveryRenameLeavesTheOldStoreOrOneThatIsFinished) {
  TempDir dir;
  ASSERT_OK(WriteBefore(dir / "before"));
  ASSERT_OK(WriteBefore(dir / "after"));
  ASSERT_OK(WriteAfter(dir / "after"));
  const Folder before = ReadFolder(dir / "before"), after = ReadFolder(dir / "after");
  int num_untouched = 0, num_interrupted = 0;
  bool lived = false;
  for (int calls = 0; !lived; ++calls) {
    const std::string path = dir / ("crash" + std::to_string(calls));
    ASSERT_OK(WriteBefore(path));
    lived = LivesThrough(calls, path);
    const bool interrupted = FileExists(path + "/store.textproto.next");
    if (interrupted) {
      ++num_interrupted;
      EXPECT_THAT(Store::Open(path), StatusIs(absl::StatusCode::kFailedPrecondition,
                                              testing::HasSubstr("interrupted")));
    } else {
      num_untouched += !lived;
      EXPECT_OK(Store::Open(path));
    }
    ASSERT_OK(StoreWriter::Begin(path));  // the next writer sets it right
    EXPECT_EQ(ReadFolder(path), interrupted || lived ? after : before)
        << "crash before call " << calls;
    EXPECT_OK(Store::Open(path));
  }
  // The manifest beside, which decides; two files with their sidecars, a removed one with its own,
  // the manifest.
  EXPECT_EQ(num_untouched, 1);
  EXPECT_GE(num_interrupted, 2 * 2 + 2 + 1);
}

// The recovery itself may be interrupted as well.
TEST(StoreCrash, AtEveryRenameOfTheRecoveryLeavesOneThatIsFinished) {
  TempDir dir;
  ASSERT_OK(WriteBefore(dir / "after"));
  ASSERT_OK(WriteAfter(dir / "after"));
  const Folder after = ReadFolder(dir / "after");
  for (int calls = 0; calls < 8; ++calls) {
    const std::string path = dir / ("crash" + std::to_string(calls));
    ASSERT_OK(WriteBefore(path));
    ASSERT_FALSE(LivesThrough(1, path));
    LivesThrough(calls, path);
    ASSERT_OK(StoreWriter::Begin(path));
    EXPECT_EQ(ReadFolder(path), after) << "crash before call " << calls;
  }
}

}  // namespace
}  // namespace quadhop
