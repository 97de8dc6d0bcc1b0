#include "launch/run/run_folder.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <google/protobuf/util/message_differencer.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "core/files/file.h"
#include "core/store/store.h"
#include "launch/config/backends.h"
#include "launch/config/config.h"
#include "launch/run/checkpoint_folder.h"
#include "launch/run/run_paths.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

std::vector<std::string> NamesIn(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path().filename());
  return names;
}

StoreManifest MakeManifest() {
  StoreManifest manifest;
  manifest.set_format_version(kStoreFormatVersion);
  manifest.set_nodes(7);
  for (const int64_t offset : {0, 7}) manifest.add_partition_offsets(offset);
  return manifest;
}

class RunFolderTest : public testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<RunFolder>> Create(RunFolder::Start start) {
    QH_ASSIGN_OR_RETURN(config_, LoadConfig("quickstart", {}));
    ChooseBackends(/*all_ranks_have_gpus=*/false, &config_);
    QH_ASSIGN_OR_RETURN(
        auto folder,
        RunFolder::Create(run_, start, {config_, "stores/a.qh", MakeManifest(), "time"}));
    QH_RETURN_IF_ERROR(folder->Begin());
    return folder;
  }
  std::string Metrics() { return ReadFile(RunMetricsPath(run_)).value(); }

  Config config_;
  TempDir folder_;
  const std::string run_ = folder_ / "runs/first";
};

TEST_F(RunFolderTest, FindsThatItWasRemovedOrReplaced) {
  ASSERT_OK_AND_ASSIGN(const auto folder, Create(RunFolder::Start::kNew));
  EXPECT_OK(folder->CheckIsThere());
  std::filesystem::remove_all(run_);
  EXPECT_THAT(folder->CheckIsThere(),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr(run_ + ", or its file `lock`, was removed")));
  ASSERT_OK_AND_ASSIGN(const auto other, Create(RunFolder::Start::kNew));
  EXPECT_THAT(folder->CheckIsThere(), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_OK(other->CheckIsThere());
}

TEST_F(RunFolderTest, EchoesTheConfig) {
  ASSERT_OK(Create(RunFolder::Start::kNew));
  ASSERT_OK_AND_ASSIGN(const Config echoed, ReadRunConfig(run_));
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(echoed, config_));
  EXPECT_THAT(ReadRunConfig(folder_.path()),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("not the folder of a run")));
}

TEST_F(RunFolderTest, RemembersTheAbsolutePathOfItsStore) {
  ASSERT_OK(Create(RunFolder::Start::kNew));
  ASSERT_OK_AND_ASSIGN(const std::string store, ReadRunStore(run_));
  EXPECT_EQ(store, std::filesystem::current_path().string() + "/stores/a.qh");
}

TEST_F(RunFolderTest, RemembersItsSplit) {
  ASSERT_OK(Create(RunFolder::Start::kNew));
  EXPECT_THAT(ReadRunSplit(run_), IsOkAndHolds("time"));
  ASSERT_OK(RemoveFileIfPresent(RunSplitPath(run_)));
  EXPECT_THAT(ReadRunSplit(run_), IsOkAndHolds(""));  // begun by a version that kept none
}

TEST_F(RunFolderTest, SaysWhatToDoWhereItsStoreIsGone) {
  ASSERT_OK(Create(RunFolder::Start::kNew));
  EXPECT_THAT(FindRunStore(run_),
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(HasSubstr("stores/a.qh, which is not there"), HasSubstr("--store"))));
}

TEST_F(RunFolderTest, ThePathOfItsStoreLeadsThroughLinks) {
  ASSERT_OK(MakeDirectories(folder_ / "elsewhere/within"));
  std::filesystem::create_directory_symlink(folder_ / "elsewhere/within", folder_ / "link");
  ASSERT_OK(MakeDirectories(folder_ / "elsewhere/s.qh"));
  {
    ASSERT_OK_AND_ASSIGN(Config config, LoadConfig("quickstart", {}));
    ChooseBackends(/*all_ranks_have_gpus=*/false, &config);
    ASSERT_OK_AND_ASSIGN(const auto folder, RunFolder::Create(run_, RunFolder::Start::kNew,
                                                              {config, folder_ / "link/../s.qh",
                                                               MakeManifest(), "time"}));
    ASSERT_OK(folder->Begin());
  }
  ASSERT_OK_AND_ASSIGN(const std::string store, ReadRunStore(run_));
  EXPECT_TRUE(std::filesystem::equivalent(store, folder_ / "elsewhere/s.qh")) << store;
}

TEST_F(RunFolderTest, KeepsTheManifestOfTheStoreThatItTrainsOn) {
  ASSERT_OK(Create(RunFolder::Start::kNew));
  ASSERT_OK_AND_ASSIGN(const StoreManifest kept, ReadTrainedOn(run_));
  EXPECT_EQ(kept.nodes(), MakeManifest().nodes());
}

TEST_F(RunFolderTest, RefusesToReplaceAFinishedOrUnfinishedRun) {
  {
    ASSERT_OK_AND_ASSIGN(const auto run, Create(RunFolder::Start::kNew));
    ASSERT_OK(MakeDirectories(CheckpointPath(run_, 5)));
  }
  EXPECT_THAT(Create(RunFolder::Start::kNew),
              StatusIs(absl::StatusCode::kAlreadyExists,
                       AllOf(HasSubstr("an unfinished run (1 checkpoint)"), HasSubstr("--resume"),
                             HasSubstr("--overwrite"))));
  {
    ASSERT_OK_AND_ASSIGN(const auto run, Create(RunFolder::Start::kResume));
    ASSERT_OK(run->WriteSummary(JsonObject().Add("test_accuracy", 0.5)));
  }
  EXPECT_THAT(Create(RunFolder::Start::kNew),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("a finished run")));
}

TEST_F(RunFolderTest, OverwriteRemovesTheRunButNotWhatOthersPutThere) {
  {
    ASSERT_OK_AND_ASSIGN(const auto run, Create(RunFolder::Start::kNew));
    run->Log(JsonObject().Add("step", 1));
    ASSERT_OK(run->WriteSummary(JsonObject()));
    ASSERT_OK(MakeDirectories(CheckpointPath(run_, 5)));
    for (const char* name : {"step-0000000005.tmp", "step-0000000004.old", "step-0000000009.tmp",
                             "damaged-step-0000000007"})
      ASSERT_OK(MakeDirectories(RunCheckpointsPath(run_) + "/" + name));
    ASSERT_OK(WriteFileAtomically(run_ + "/notes.txt", "mine"));
  }
  ASSERT_OK(Create(RunFolder::Start::kOverwrite));
  EXPECT_EQ(Metrics(), "");
  EXPECT_FALSE(FileExists(RunSummaryPath(run_)));
  EXPECT_TRUE(std::filesystem::is_empty(RunCheckpointsPath(run_)));
  EXPECT_TRUE(FileExists(run_ + "/notes.txt"));
}

TEST_F(RunFolderTest, AFolderOfOtherFilesIsNoRunHoweverItIsStarted) {
  ASSERT_OK(MakeDirectories(run_));
  ASSERT_OK(WriteFileAtomically(RunConfigPath(run_), "mine"));
  for (const auto start :
       {RunFolder::Start::kNew, RunFolder::Start::kResume, RunFolder::Start::kOverwrite})
    EXPECT_THAT(Create(start),
                StatusIs(absl::StatusCode::kFailedPrecondition,
                         AllOf(HasSubstr("is not the folder of a run"),
                               HasSubstr("config.textproto"), HasSubstr("new or empty"))));
  EXPECT_THAT(NamesIn(run_), ElementsAre("config.textproto"));
  EXPECT_EQ(ReadFile(RunConfigPath(run_)).value(), "mine");
}

TEST_F(RunFolderTest, AStoreOrAFolderOfRunsIsNoRunAndSaidToBeWhatItIs) {
  ASSERT_OK(MakeDirectories(run_));
  ASSERT_OK(WriteFileAtomically(run_ + "/store.textproto", ""));
  EXPECT_THAT(Create(RunFolder::Start::kOverwrite),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("is a store")));
  ASSERT_OK(RemoveFileIfPresent(run_ + "/store.textproto"));
  ASSERT_OK(MakeDirectories(run_ + "/seed-3"));
  EXPECT_THAT(Create(RunFolder::Start::kNew),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("holds runs, seed-3")));
}

// By what train asks before it reads a store.
TEST_F(RunFolderTest, OneThatCannotBeIsRefusedAtTheStart) {
  ASSERT_OK(WriteFileAtomically(folder_ / "file", "x"));
  ASSERT_OK(MakeDirectories(folder_ / "store"));
  ASSERT_OK(WriteFileAtomically(folder_ / "store/store.textproto", ""));
  EXPECT_OK(RunFolder::CheckStart(run_, RunFolder::Start::kNew));
  for (const auto& [run, why] : {std::pair{folder_ / "file/run", "is a file"},
                                 {folder_ / "store", "is a store"},
                                 {folder_ / "store/runs/1", "lies in the store"}})
    EXPECT_THAT(RunFolder::CheckStart(run, RunFolder::Start::kOverwrite),
                StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(why)));
}

TEST_F(RunFolderTest, OnlyOneProcessAtATimeHasIt) {
  ASSERT_OK_AND_ASSIGN(auto first, Create(RunFolder::Start::kNew));
  for (const auto start : {RunFolder::Start::kNew, RunFolder::Start::kOverwrite})
    EXPECT_THAT(Create(start), StatusIs(absl::StatusCode::kFailedPrecondition,
                                        AllOf(HasSubstr("another process is training"),
                                              HasSubstr(absl::StrCat("process ", getpid())))));
  EXPECT_TRUE(FileExists(RunConfigPath(run_)));
  first.reset();
  EXPECT_OK(Create(RunFolder::Start::kOverwrite));
}

TEST_F(RunFolderTest, AResumeWaitsForAProcessThatIsEnding) {
  ASSERT_OK_AND_ASSIGN(auto first, Create(RunFolder::Start::kNew));
  std::thread ending([&first] {
    absl::SleepFor(absl::Milliseconds(300));
    first.reset();
  });
  EXPECT_OK(Create(RunFolder::Start::kResume));
  ending.join();
}

TEST_F(RunFolderTest, OneThatDidNoStepIsBegunAnew) {
  ASSERT_OK(Create(RunFolder::Start::kNew));
  {
    ASSERT_OK_AND_ASSIGN(const auto run, Create(RunFolder::Start::kNew));
    run->Log(JsonObject().Add("step", 0));
  }
  EXPECT_THAT(Create(RunFolder::Start::kNew), StatusIs(absl::StatusCode::kAlreadyExists));
}

TEST_F(RunFolderTest, WritesDoublesThatReadBackEqual) {
  ASSERT_OK_AND_ASSIGN(const auto run, Create(RunFolder::Start::kNew));
  const double loss = 1.0 / 3;
  run->Log(
      JsonObject().Add("event", "step").Add("step", 3).Add("loss", loss).Add("bad", 0.0 / 0.0));
  EXPECT_THAT(Metrics(), HasSubstr("\"loss\":0.33333333333333331,"));
  const nlohmann::json line = nlohmann::json::parse(Metrics());
  EXPECT_EQ(line["loss"].get<double>(), loss);
  EXPECT_EQ(line["event"], "step");
  EXPECT_TRUE(line["bad"].is_null());
}

TEST_F(RunFolderTest, LinesThatAFullDiskLosesAreOneWarning) {
  ASSERT_OK(Create(RunFolder::Start::kNew));
  ASSERT_OK(RemoveFileIfPresent(RunMetricsPath(run_)));
  std::filesystem::create_symlink("/dev/full", RunMetricsPath(run_));
  ASSERT_OK_AND_ASSIGN(const auto run, Create(RunFolder::Start::kResume));
  testing::internal::CaptureStderr();
  run->Log(JsonObject().Add("step", 1));
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              AllOf(HasSubstr("lines of metrics are lost"), HasSubstr(RunMetricsPath(run_))));
  testing::internal::CaptureStderr();
  run->Log(JsonObject().Add("step", 2));
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST_F(RunFolderTest, AFullDiskLeavesNoHalfOfALine) {
  ASSERT_OK_AND_ASSIGN(const auto run, Create(RunFolder::Start::kNew));
  run->Log(JsonObject().Add("step", 1));
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{Metrics().size() + 5, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  run->Log(JsonObject().Add("step", 2));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  run->Log(JsonObject().Add("step", 3));
  EXPECT_EQ(Metrics(), "{\"step\":1}\n{\"step\":3}\n");
}

TEST_F(RunFolderTest, AResumedRunDropsTheLinesItWillWriteAgain) {
  {
    ASSERT_OK_AND_ASSIGN(const auto run, Create(RunFolder::Start::kNew));
    run->Log(JsonObject().Add("event", "start"));
    for (int epoch = 1; epoch <= 2; ++epoch) {
      for (int step = 2 * epoch - 2; step < 2 * epoch; ++step) {
        run->Log(JsonObject().Add("step", step).Add("epoch", epoch));
      }
      run->Log(JsonObject().Add("event", "epoch").Add("epoch", epoch));
    }
  }
  ASSERT_OK(WriteFileAtomically(RunMetricsPath(run_), Metrics() + "{\"step\":4,\"lo"));  // killed
  ASSERT_OK_AND_ASSIGN(const auto run, Create(RunFolder::Start::kResume));
  ASSERT_OK(run->DropMetricsAfter(/*next_step=*/2, /*last_epoch=*/1));
  run->Log(JsonObject().Add("event", "again"));
  EXPECT_EQ(Metrics(),
            "{\"event\":\"start\"}\n{\"step\":0,\"epoch\":1}\n{\"step\":1,\"epoch\":1}\n"
            "{\"event\":\"epoch\",\"epoch\":1}\n{\"event\":\"again\"}\n");
}

TEST_F(RunFolderTest, AResumedRunKeepsALastLineThatOnlyItsEndIsCutOff) {
  ASSERT_OK(Create(RunFolder::Start::kNew));
  ASSERT_OK(WriteFileAtomically(RunMetricsPath(run_), "{\"step\":0}\n\n{\"step\":1}"));
  ASSERT_OK_AND_ASSIGN(const auto run, Create(RunFolder::Start::kResume));
  ASSERT_OK(run->DropMetricsAfter(/*next_step=*/2, /*last_epoch=*/1));
  EXPECT_EQ(Metrics(), "{\"step\":0}\n{\"step\":1}\n");
}

TEST_F(RunFolderTest, AResumedRunMayHaveGigabytesOfMetrics) {
  ASSERT_OK(Create(RunFolder::Start::kNew));
  const int64_t hole_bytes = (int64_t{1} << 30) + 1000;
  std::filesystem::resize_file(RunMetricsPath(run_), static_cast<uintmax_t>(hole_bytes));
  std::ofstream(RunMetricsPath(run_), std::ios::app) << "\n{\"step\":1}\n{\"step\":2}\n";
  ASSERT_OK_AND_ASSIGN(const auto run, Create(RunFolder::Start::kResume));
  ASSERT_OK(run->DropMetricsAfter(/*next_step=*/2, /*last_epoch=*/1));
  EXPECT_EQ(Metrics(), "{\"step\":1}\n");
}

TEST_F(RunFolderTest, ListsCheckpointsByStep) {
  for (const int64_t step : {int64_t{20}, int64_t{3}, int64_t{12345678901}}) {
    ASSERT_OK(MakeDirectories(CheckpointPath(run_, step)));
  }
  ASSERT_OK(MakeDirectories(BestCheckpointPath(run_)));
  ASSERT_OK(MakeDirectories(CheckpointPath(run_, 30) + ".tmp"));
  EXPECT_THAT(ListCheckpointSteps(run_), IsOkAndHolds(ElementsAre(3, 20, 12345678901)));
}

TEST_F(RunFolderTest, CheckpointsThatCannotBeListedAreAnErrorAndNotNone) {
  ASSERT_OK(MakeDirectories(run_));
  EXPECT_THAT(ListCheckpointSteps(run_), IsOkAndHolds(IsEmpty()));
  ASSERT_OK(WriteFileAtomically(RunCheckpointsPath(run_), "no folder"));
  for (const absl::Status& status :
       {ListCheckpointSteps(run_).status(), FindNewestIntact(run_).status(), CarryOnFrom(run_, -1)})
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInternal, HasSubstr("list ")));
}

TEST_F(RunFolderTest, CarryingOnSetsNewerCheckpointsAsideAndRemovesHalfWrittenOnes) {
  for (const char* name : {"step-0000000004", "step-0000000006", "step-0000000008",
                           "step-0000000008.tmp", "step-0000000010.tmp", "step-0000000006.old"})
    ASSERT_OK(MakeDirectories(RunCheckpointsPath(run_) + "/" + name));
  ASSERT_OK(CarryOnFrom(run_, 6));
  EXPECT_THAT(NamesIn(RunCheckpointsPath(run_)),
              UnorderedElementsAre("step-0000000004", "step-0000000006", "damaged-step-0000000008",
                                   "latest"));
  EXPECT_EQ(std::filesystem::read_symlink(LatestCheckpointPath(run_)), "step-0000000006");
}

TEST_F(RunFolderTest, ACheckpointThatWasBeingReplacedIsPutBack) {
  ASSERT_OK(MakeDirectories(CheckpointPath(run_, 6) + ".old"));
  ASSERT_OK(MakeDirectories(CheckpointPath(run_, 6) + ".tmp"));
  ASSERT_OK(RestoreReplaced(run_));
  EXPECT_THAT(ListCheckpointSteps(run_), IsOkAndHolds(ElementsAre(6)));
}

TEST_F(RunFolderTest, PublishingKeepsTheCheckpointItPublishes) {
  for (const int64_t step : {4, 6, 8}) ASSERT_OK(MakeDirectories(CheckpointPath(run_, step)));
  ASSERT_OK(PublishCheckpoint(run_, 6, /*best=*/false, /*keep=*/1));
  EXPECT_THAT(ListCheckpointSteps(run_), IsOkAndHolds(ElementsAre(6, 8)));
}

TEST_F(RunFolderTest, FindsACheckpointOrNamesThoseThereAre) {
  EXPECT_THAT(FindCheckpoint(run_, "latest"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("has no checkpoint yet")));
  ASSERT_OK(MakeDirectories(CheckpointPath(run_, 3)));
  ASSERT_OK(MakeDirectories(CheckpointPath(run_, 20)));
  ASSERT_OK_AND_ASSIGN(const std::string latest, FindCheckpoint(run_, "latest"));
  EXPECT_EQ(latest, CheckpointPath(run_, 20));
  ASSERT_OK_AND_ASSIGN(const std::string third, FindCheckpoint(run_, "3"));
  EXPECT_EQ(third, CheckpointPath(run_, 3));
  EXPECT_THAT(FindCheckpoint(run_, "best"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("those after steps: 3, 20")));
  EXPECT_THAT(FindCheckpoint(run_, "worst"), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace quadhop
