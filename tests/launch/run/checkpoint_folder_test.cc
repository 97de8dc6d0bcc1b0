#include "launch/run/checkpoint_folder.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "core/files/file.h"
#include "launch/run/run_paths.h"
#include "model/checkpoint/checkpoint.h"
#include "model/checkpoint/checkpoint_parts.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

static bool file_system_has_links = true;

// The C library's, for this program; a file system without links cannot be mounted by a test.
extern "C" int symlink(const char* target, const char* path) noexcept {
  if (file_system_has_links) return symlinkat(target, AT_FDCWD, path);
  errno = EPERM;
  return -1;
}

namespace quadhop {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class CheckpointFolderTest : public testing::Test {
 protected:
  // The least that is one: a manifest of no files.
  void Write(const std::string& path, int64_t step, int64_t epoch = 0, int64_t best_epoch = 0,
             int64_t steps_of_next = 0) {
    ASSERT_OK(MakeDirectories(path));
    CheckpointManifest manifest;
    RunPosition& position = *manifest.mutable_position();
    position.set_step(step);
    position.set_epoch(epoch);
    position.set_best_epoch(best_epoch);
    if (steps_of_next > 0) position.mutable_under_way()->set_steps(steps_of_next);
    ASSERT_OK(WriteCheckpointManifest(manifest, path));
  }
  void Write(int64_t step) { Write(CheckpointPath(run_, step), step); }
  std::vector<std::string> Names() const { return ListFolder(RunCheckpointsPath(run_)).value(); }
  std::string Target(const std::string& link) const { return std::filesystem::read_symlink(link); }

  TempDir folder_;
  const std::string run_ = folder_ / "run";
};

TEST_F(CheckpointFolderTest, CopiesOfCheckpointsInThePlaceOfLinksBecomeLinks) {
  Write(3), Write(6);
  Write(BestCheckpointPath(run_), 3), Write(LatestCheckpointPath(run_), 6);
  ASSERT_OK(ReplaceCopiesByLinks(run_));
  EXPECT_THAT(Names(),
              UnorderedElementsAre("best", "latest", "step-0000000003", "step-0000000006"));
  EXPECT_EQ(Target(BestCheckpointPath(run_)), "step-0000000003");
  EXPECT_EQ(Target(LatestCheckpointPath(run_)), "step-0000000006");
}

TEST_F(CheckpointFolderTest, FilesOfOthersInACopyAreSetAside) {
  Write(3);
  Write(LatestCheckpointPath(run_), 3);
  ASSERT_OK(WriteFileAtomically(LatestCheckpointPath(run_) + "/.DS_Store", ""));
  ASSERT_OK(ReplaceCopiesByLinks(run_));
  EXPECT_THAT(Names(), UnorderedElementsAre("damaged-latest", "latest", "step-0000000003"));
  EXPECT_EQ(Target(LatestCheckpointPath(run_)), "step-0000000003");
}

TEST_F(CheckpointFolderTest, ACopyOfWhatIsGoneOrDamagedTakesItsPlace) {
  ASSERT_OK(MakeDirectories(CheckpointPath(run_, 6)));
  Write(BestCheckpointPath(run_), 3), Write(LatestCheckpointPath(run_), 6);
  ASSERT_OK(ReplaceCopiesByLinks(run_));
  EXPECT_THAT(Names(), UnorderedElementsAre("best", "latest", "step-0000000003", "step-0000000006",
                                            "damaged-step-0000000006"));
  for (const int64_t step : {3, 6}) EXPECT_OK(VerifyCheckpoint(CheckpointPath(run_, step)));
}

TEST_F(CheckpointFolderTest, AFolderThatIsNoCheckpointIsSetAsideAndNotLinked) {
  Write(3);
  ASSERT_OK(MakeDirectories(BestCheckpointPath(run_)));
  ASSERT_OK(ReplaceCopiesByLinks(run_));
  EXPECT_THAT(Names(), ElementsAre("damaged-best", "step-0000000003"));
}

TEST_F(CheckpointFolderTest, TheBestIsKnownWithoutLinksAndResumingMakesThemAgain) {
  Write(CheckpointPath(run_, 3), 3, 1, 1);
  Write(CheckpointPath(run_, 6), 6, 2, 2);
  Write(CheckpointPath(run_, 8), 8, 2, 2, 2);  // within the third epoch
  Write(CheckpointPath(run_, 9), 9, 3, 2);
  EXPECT_THAT(FindCheckpoint(run_, "best"), IsOkAndHolds(CheckpointPath(run_, 6)));
  ASSERT_OK(CarryOnFrom(run_, 9));
  EXPECT_EQ(Target(BestCheckpointPath(run_)), "step-0000000006");
  EXPECT_EQ(Target(LatestCheckpointPath(run_)), "step-0000000009");
  // The second epoch's is lost, and that it was the best is not to be forgotten.
  ASSERT_OK(RemoveCheckpoint(CheckpointPath(run_, 6)));
  EXPECT_THAT(FindCheckpoint(run_, "best"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(CheckpointFolderTest, BeforeTheFirstEvaluationThereIsNoBest) {
  Write(0);
  EXPECT_THAT(FindCheckpoint(run_, "best"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(CheckpointFolderTest, ALinkThatNamesAnOlderBestIsMended) {
  Write(CheckpointPath(run_, 3), 3, 1, 1);
  Write(CheckpointPath(run_, 6), 6, 2, 2);
  std::filesystem::create_symlink("step-0000000003", BestCheckpointPath(run_));
  ASSERT_OK(CarryOnFrom(run_, 6));
  EXPECT_EQ(Target(BestCheckpointPath(run_)), "step-0000000006");
}

TEST_F(CheckpointFolderTest, WhereThereAreNoLinksFilesHoldTheNames) {
  Write(3), Write(6), Write(9);
  file_system_has_links = false;
  const absl::Status best = PublishCheckpoint(run_, 3, /*best=*/true, /*keep=*/1);
  const absl::Status latest = PublishCheckpoint(run_, 9, /*best=*/false, /*keep=*/1);
  file_system_has_links = true;
  ASSERT_OK(best);
  ASSERT_OK(latest);
  EXPECT_THAT(ReadFile(LatestCheckpointPath(run_)), IsOkAndHolds("step-0000000009\n"));
  EXPECT_THAT(ListCheckpointSteps(run_), IsOkAndHolds(ElementsAre(3, 9)));
  EXPECT_THAT(FindCheckpoint(run_, "best"), IsOkAndHolds(CheckpointPath(run_, 3)));
  ASSERT_OK(CarryOnFrom(run_, 9));
  EXPECT_EQ(Target(BestCheckpointPath(run_)), "step-0000000003");
}

TEST_F(CheckpointFolderTest, RemovesCopiesInThePlaceOfLinksToo) {
  Write(3);
  Write(BestCheckpointPath(run_), 3), Write(LatestCheckpointPath(run_), 3);
  Write(RunCheckpointsPath(run_) + "/damaged-best", 2);
  ASSERT_OK(RemoveCheckpoints(run_));
  EXPECT_THAT(ListFolder(run_), IsOkAndHolds(IsEmpty()));
}

}  // namespace
}  // namespace quadhop
