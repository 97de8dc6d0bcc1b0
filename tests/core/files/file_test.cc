#include "core/files/file.h"

#include <dirent.h>
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>

#include "core/arrays/npy.h"
#include "core/store/store_writer.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace {
// Entries of folders that can still be read before reading fails, as on a network; -1: all.
thread_local int g_entries_left = -1;
// Whether room on disks can be reserved; on some network file systems it cannot.
thread_local bool g_reserves = true;
}  // namespace

// In place of the C library's, readdir for std::filesystem too.
extern "C" int fallocate(int fd, int mode, off_t offset, off_t size) {
  if (!g_reserves) {
    errno = EOPNOTSUPP;
    return -1;
  }
  static const auto original =
      reinterpret_cast<int (*)(int, int, off_t, off_t)>(dlsym(RTLD_NEXT, "fallocate"));
  return original(fd, mode, offset, size);
}

extern "C" dirent* readdir(DIR* folder) {
  if (g_entries_left == 0) {
    errno = EIO;
    return nullptr;
  }
  if (g_entries_left > 0) --g_entries_left;
  static const auto original = reinterpret_cast<dirent* (*)(DIR*)>(dlsym(RTLD_NEXT, "readdir"));
  return original(folder);
}

namespace quadhop {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A file system of 1 MB, in a mount namespace of this thread. Mounted() is false where that is not
// allowed.
class SmallDisk {
 public:
  SmallDisk() {
    if (unshare(CLONE_NEWNS) != 0 ||
        mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("quadhop_test", dir_.path().c_str(), "tmpfs", 0, "size=1m") != 0)
      error_ = errno;
  }
  ~SmallDisk() {
    if (Mounted()) umount2(dir_.path().c_str(), MNT_DETACH);
  }
  bool Mounted() const { return error_ == 0; }
  std::string why() const { return std::strerror(error_); }
  std::string operator/(absl::string_view name) const { return dir_ / name; }

 private:
  TempDir dir_;
  int error_ = 0;
};

TEST(File, IsReadAsItWasWritten) {
  TempDir dir;
  std::string contents = "first\n";
  contents.append(300000, 'x').push_back('\0');
  ASSERT_OK(WriteFileAtomically(dir / "a", contents));
  EXPECT_EQ(ReadFile(dir / "a").value(), contents);
  EXPECT_EQ(FileBytes(dir / "a").value(), static_cast<int64_t>(contents.size()));
  EXPECT_FALSE(FileExists(dir / "a.tmp"));
  ASSERT_OK(WriteFileAtomically(dir / "a", ""));
  EXPECT_EQ(ReadFile(dir / "a").value(), "");
}

TEST(File, FoldersAreListedByNameOrNotAtAll) {
  TempDir dir;
  for (const char* name : {"b", "a", "c"}) ASSERT_OK(WriteFileAtomically(dir / name, ""));
  EXPECT_THAT(ListFolder(dir.path()), IsOkAndHolds(ElementsAre("a", "b", "c")));
  EXPECT_THAT(ListFolder(dir / "none"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(ListFolderIfPresent(dir.path()), IsOkAndHolds(ElementsAre("a", "b", "c")));
  EXPECT_THAT(ListFolderIfPresent(dir / "none"), IsOkAndHolds(ElementsAre()));
  EXPECT_THAT(ListFolderIfPresent(dir / "a"), StatusIs(absl::StatusCode::kInternal));
  EXPECT_THAT(ListFolder(dir / "a"), StatusIs(absl::StatusCode::kInternal, HasSubstr("list ")));
  g_entries_left = 2;  // it opens, and fails on the way
  const auto failed = ListFolder(dir.path());
  g_entries_left = -1;
  EXPECT_THAT(failed, StatusIs(absl::StatusCode::kInternal, HasSubstr("list ")));
}

TEST(File, MissingAndTooLargeAreErrorsThatNameThePath) {
  TempDir dir;
  EXPECT_THAT(ReadFile(dir / "no"), StatusIs(absl::StatusCode::kNotFound, HasSubstr(dir / "no")));
  EXPECT_THAT(FileBytes(dir / "no"), StatusIs(absl::StatusCode::kNotFound, HasSubstr(dir / "no")));
  EXPECT_THAT(MappedFile::Open(dir / "no"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr(dir / "no")));
  ASSERT_OK(WriteFileAtomically(dir / "a", "12345"));
  EXPECT_OK(ReadFile(dir / "a", 5));
  EXPECT_THAT(ReadFile(dir / "a", 4),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("4 bytes")));
}

TEST(File, APipeIsNotReplacedByAFile) {
  const TempDir folder;
  const std::string pipe = folder / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(WriteFileAtomically(pipe, "text"),
              StatusIs(absl::StatusCode::kFailedPrecondition, testing::HasSubstr("a pipe")));
  EXPECT_TRUE(std::filesystem::is_fifo(pipe));
  EXPECT_FALSE(FileExists(pipe + ".tmp"));
}

// Or it would be waited for until somebody writes into it.
TEST(File, APipeIsNotReadWhereARegularFileIsNeeded) {
  const TempDir folder;
  const std::string pipe = folder / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  for (const std::string& path : {pipe, folder.path(), std::string("/dev/null")}) {
    const auto is_refused = StatusIs(absl::StatusCode::kInvalidArgument,
                                     AllOf(HasSubstr(path), HasSubstr("not a regular file")));
    EXPECT_THAT(ReadRegularFile(path), is_refused);
    EXPECT_THAT(MappedFile::Open(path), is_refused);
  }
  ASSERT_OK(WriteFileAtomically(folder / "a", "text"));
  EXPECT_THAT(ReadRegularFile(folder / "a"), IsOkAndHolds("text"));
}

TEST(File, AFailedWriteLeavesTheOldContents) {
  TempDir dir;
  ASSERT_OK(
      MakeDirectories(dir / "a/in_the_way"));  // a folder that is not empty cannot be replaced
  EXPECT_FALSE(WriteFileAtomically(dir / "a", "new").ok());
  EXPECT_TRUE(FileExists(dir / "a/in_the_way"));
  EXPECT_FALSE(FileExists(dir / "a.tmp"));
  EXPECT_THAT(WriteFileAtomically(dir / "no_folder/a", "new"),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST(File, FoldersAreMadeWithTheirParents) {
  TempDir dir;
  EXPECT_OK(MakeDirectories(dir / "a/b/c"));
  EXPECT_OK(MakeDirectories(dir / "a/b/c"));
  ASSERT_OK(WriteFileAtomically(dir / "file", "x"));
  EXPECT_THAT(MakeDirectories(dir / "file"), StatusIs(testing::_, HasSubstr(dir / "file")));
  EXPECT_THAT(MakeDirectories(dir / "file/b"), StatusIs(testing::_, HasSubstr(dir / "file/b")));
}

TEST(File, AFolderThatCannotBeMadeIsKnownBeforehand) {
  TempDir dir;
  ASSERT_OK(WriteFileAtomically(dir / "file", "x"));
  EXPECT_OK(CheckMayMakeDirectories(dir.path()));
  EXPECT_OK(CheckMayMakeDirectories(dir / "a/b/c"));
  EXPECT_OK(CheckMayMakeDirectories("a/b/c"));
  EXPECT_FALSE(FileExists(dir / "a"));
  for (const char* path : {"file", "file/b", "file/b/c"})
    EXPECT_THAT(CheckMayMakeDirectories(dir / path),
                StatusIs(absl::StatusCode::kFailedPrecondition,
                         AllOf(HasSubstr(dir / path), HasSubstr((dir / "file") + " is a file"))));
  if (geteuid() == 0) return;  // who may write everywhere
  ASSERT_EQ(chmod(dir.path().c_str(), 0500), 0);
  EXPECT_THAT(
      CheckMayMakeDirectories(dir / "a/b"),
      StatusIs(absl::StatusCode::kFailedPrecondition,
               AllOf(HasSubstr((dir / "a/b") + " cannot be written"), HasSubstr("denied"))));
  ASSERT_EQ(chmod(dir.path().c_str(), 0700), 0);
}

TEST(File, APathHasOneAbsoluteSpelling) {
  const TempDir dir;
  const std::string folder = dir / "a";
  ASSERT_OK(MakeDirectories(folder + "/b"));
  std::filesystem::create_directory_symlink(folder + "/b", dir / "link");
  for (const std::string& path : {folder, folder + "/", dir / ".//a", folder + "/b/..",
                                  std::filesystem::relative(folder).string()})
    EXPECT_EQ(AbsolutePath(path), folder);
  EXPECT_EQ(AbsolutePath(dir / "link/"), dir / "link");
  EXPECT_EQ(AbsolutePath(dir / "link/.."), dir / "link/..") << "which is a";
  EXPECT_EQ(AbsolutePath("/"), "/");
}

TEST(File, RemovingWhatIsNotThereIsFine) {
  TempDir dir;
  ASSERT_OK(WriteFileAtomically(dir / "a", "x"));
  EXPECT_OK(RemoveFileIfPresent(dir / "a"));
  EXPECT_OK(RemoveFileIfPresent(dir / "a"));
  EXPECT_FALSE(FileExists(dir / "a"));
}

TEST(File, FreeSpaceIsThatOfTheNearestFolder) {
  TempDir dir;
  EXPECT_GT(FreeDiskBytes(dir.path()).value(), 0);
  EXPECT_GT(FreeDiskBytes(dir / "not/yet/there").value(), 0);
  EXPECT_GT(FreeDiskBytes("not/yet/there").value(), 0);
}

TEST(MappedFile, HoldsTheBytesAndMovesThem) {
  TempDir dir;
  ASSERT_OK(WriteFileAtomically(dir / "a", "abc"));
  ASSERT_OK_AND_ASSIGN(MappedFile file, MappedFile::Open(dir / "a"));
  const uint8_t* data = file.bytes().data();
  MappedFile moved = std::move(file);
  EXPECT_EQ(moved.bytes().data(), data);
  EXPECT_EQ(std::string(moved.bytes().begin(), moved.bytes().end()), "abc");
  ASSERT_OK(WriteFileAtomically(dir / "empty", ""));
  ASSERT_OK_AND_ASSIGN(moved, MappedFile::Open(dir / "empty"));
  EXPECT_TRUE(moved.bytes().empty());
  EXPECT_THAT(MappedFile::Open(dir.path()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not a regular file")));
}

TEST(TemporaryFile, TakesNoNameBeforeItsCallerGivesIt) {
  TempDir dir;
  ASSERT_OK_AND_ASSIGN(TemporaryFile file, TemporaryFile::Create(dir / "a", 6));
  ASSERT_OK(file.WriteAt(3, "def", 3));
  ASSERT_OK(file.WriteAt(0, "abc", 3));
  ASSERT_OK(file.Finish());
  EXPECT_FALSE(FileExists(dir / "a"));
  EXPECT_EQ(ReadFile(dir / "a.tmp").value(), "abcdef");
}

TEST(TemporaryFile, TakesItsNameOrIsRemoved) {
  TempDir dir;
  ASSERT_OK(MakeDirectories(dir / "b/in_the_way"));
  for (const char* name : {"a", "b"}) {
    ASSERT_OK_AND_ASSIGN(TemporaryFile file, TemporaryFile::Create(dir / name, 3));
    ASSERT_OK(file.WriteAt(0, "abc", 3));
    EXPECT_EQ(file.TakeName().ok(), name == std::string("a"));
    EXPECT_FALSE(FileExists(dir / name + ".tmp"));
  }
  EXPECT_EQ(ReadFile(dir / "a").value(), "abc");
}

TEST(TemporaryFile, WritesThroughItsMapping) {
  TempDir dir;
  ASSERT_OK_AND_ASSIGN(TemporaryFile file, TemporaryFile::Create(dir / "a", 5));
  ASSERT_OK_AND_ASSIGN(const absl::Span<uint8_t> bytes, file.Map());
  ASSERT_EQ(bytes.size(), 5u);
  std::fill(bytes.begin(), bytes.end(), uint8_t{'z'});
  ASSERT_OK(file.Finish());
  EXPECT_EQ(ReadFile(dir / "a.tmp").value(), "zzzzz");
}

TEST(TemporaryFile, IsRemovedIfNotFinished) {
  TempDir dir;
  {
    ASSERT_OK_AND_ASSIGN(TemporaryFile file, TemporaryFile::Create(dir / "a", 5));
    TemporaryFile moved = std::move(file);
    EXPECT_TRUE(FileExists(dir / "a.tmp"));
  }
  EXPECT_FALSE(FileExists(dir / "a.tmp"));
}

TEST(TemporaryFile, IsNotWrittenTwiceWhereNoRoomCanBeReserved) {
  TempDir dir;
  g_reserves = false;
  absl::StatusOr<TemporaryFile> file = TemporaryFile::Create(dir / "a", int64_t{1} << 20);
  g_reserves = true;
  ASSERT_OK(file.status());
  struct stat facts;
  ASSERT_EQ(stat((dir / "a.tmp").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_size, 1 << 20);
  EXPECT_EQ(facts.st_blocks, 0);
  ASSERT_OK_AND_ASSIGN(const absl::Span<uint8_t> bytes, file->Map());
  bytes.back() = 'z';
  ASSERT_OK(file->TakeName());
  EXPECT_EQ(ReadFile(dir / "a").value().back(), 'z');
}

TEST(TemporaryFile, AFullDiskIsAnErrorWithTheBytesNeededAndFree) {
  const SmallDisk disk;
  if (!disk.Mounted()) GTEST_SKIP() << "no small file system can be mounted here: " << disk.why();
  const absl::StatusOr<TemporaryFile> file = TemporaryFile::Create(disk / "a", 3000000);
  EXPECT_THAT(file, StatusIs(absl::StatusCode::kResourceExhausted,
                             AllOf(HasSubstr(disk / "a"), HasSubstr("3000000 bytes needed"),
                                   HasSubstr("1048576 bytes free"))));
  EXPECT_FALSE(FileExists(disk / "a.tmp"));
}

TEST(StoreWriter, AFullDiskLeavesTheStoreUnchanged) {
  const SmallDisk disk;
  if (!disk.Mounted()) GTEST_SKIP() << "no small file system can be mounted here: " << disk.why();
  {
    ASSERT_OK_AND_ASSIGN(const auto writer, StoreWriter::Begin(disk / "S.qh"));
    EXPECT_OK(writer->AddArray("a.npy", DType::kU8, {600000}).status());
    EXPECT_THAT(writer->AddArray("b.npy", DType::kF32, {150000}),
                StatusIs(absl::StatusCode::kResourceExhausted,
                         AllOf(HasSubstr("b.npy"), HasSubstr("600128 bytes needed"))));
  }
  EXPECT_FALSE(FileExists(disk / "S.qh"));
  EXPECT_EQ(FreeDiskBytes(disk / "S.qh").value(), 1 << 20);
}

}  // namespace
}  // namespace quadhop
