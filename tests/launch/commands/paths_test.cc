// Paths that commands are given and cannot read.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tests/launch/commands/commands_fixture.h"
#include "tests/launch/quadhop_command.h"

namespace quadhop {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST_F(CommandsTest, WhatCannotBeLookedAtIsSaidToBeThat) {
  std::filesystem::create_symlink("loop", folder_ / "loop");
  ASSERT_OK(MakeDirectories(folder_ / "locked"));
  for (const char* name : {"store.textproto", "store.txt", "config.textproto"})
    std::filesystem::create_symlink(name, folder_ / absl::StrCat("locked/", name));
  for (const char* name : {"loop", "loop/run", "locked"}) {
    const std::string path = folder_ / name;
    for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
             {"inspect", path},
             {"verify", path},
             {"eval", "--run", path},
             {"watch", path},
             {"train", "--store", path, "--config", "quickstart", "--run", folder_ / "run"}}) {
      const Outcome outcome = Quadhop(command);
      EXPECT_EQ(outcome.code, ExitCode::kFailed) << command[0];
      EXPECT_THAT(outcome.err, AllOf(HasSubstr(path), HasSubstr("symbolic links"))) << command[0];
    }
  }
}

TEST_F(CommandsTest, AFolderInPlaceOfAnOutputIsRefusedBeforeTheWork) {
  ASSERT_OK(MakeDirectories(folder_ / "report.html"));
  const Outcome outcome = Quadhop({"report", folder_ / "run", "--out", folder_ / "report.html"});
  EXPECT_EQ(outcome.code, ExitCode::kUsage);
  EXPECT_THAT(outcome.err, HasSubstr("which is a folder: name a file"));
}

TEST_F(CommandsTest, AConfigThatCannotBeLookedAtIsSaidToBeThat) {
  std::filesystem::create_symlink("loop", folder_ / "loop");
  const Outcome outcome = Quadhop(
      {"train", "--store", store_, "--config", folder_ / "loop/config", "--run", folder_ / "run"});
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("loop/config"), HasSubstr("symbolic links")));
}

TEST_F(CommandsTest, APipeInPlaceOfAFileOfAStoreOrARunIsRefusedRatherThanWaitedFor) {
  ASSERT_EQ(Prep().code, ExitCode::kDone);
  const std::string run = folder_ / "run";
  ASSERT_EQ(TrainTiny(store_, run, 1).code, ExitCode::kDone);
  for (const auto& [path, command] : std::vector<std::pair<std::string, std::vector<std::string>>>{
           {store_ + "/store.textproto", {"inspect", store_}},
           {store_ + "/labels.npy.xxh3", {"verify", store_}},
           {run + "/config.textproto", {"inspect", run}},
           {run + "/store.txt", {"eval", "--run", run}},
           {run + "/summary.json", {"watch", run}},
           {run + "/checkpoints/best/checkpoint.textproto", {"eval", "--run", run}}}) {
    std::filesystem::rename(path, path + ".aside");
    ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
    const Outcome outcome = Quadhop(command);
    EXPECT_EQ(outcome.code, ExitCode::kFailed) << path;
    EXPECT_THAT(outcome.err, HasSubstr(std::filesystem::path(path).filename().string() +
                                       " is not a regular file"));
    std::filesystem::rename(path + ".aside", path);
  }
}

// As root all may be read: a child that is not tells.
TEST_F(CommandsTest, AFolderWithoutPermissionIsSaidToBeThat) {
  ASSERT_EQ(Prep().code, ExitCode::kDone);
  const auto inspect = [&] {
    std::filesystem::permissions(folder_.path(), std::filesystem::perms::all);
    std::filesystem::permissions(store_, std::filesystem::perms::none);
    if (geteuid() == 0 && setuid(65534) != 0) std::_Exit(2);
    std::_Exit(static_cast<int>(RunCommandLine({"inspect", store_})));
  };
  EXPECT_EXIT(inspect(), testing::ExitedWithCode(static_cast<int>(ExitCode::kFailed)),
              store_ + "/store.textproto: Permission denied");
  std::filesystem::permissions(store_, std::filesystem::perms::owner_all);  // to be removed
}

}  // namespace
}  // namespace quadhop
