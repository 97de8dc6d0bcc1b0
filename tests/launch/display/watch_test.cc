#include "launch/display/watch.h"

#include <absl/time/clock.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "core/files/file.h"
#include "launch/config/config.h"
#include "launch/display/sign_of_life.h"
#include "launch/run/run_claim.h"
#include "launch/run/run_paths.h"
#include "tests/launch/quadhop_command.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using State = RunWatch::State;

class RunWatchTest : public testing::Test {
 protected:
  void SetUp() override {
    const Config config = LoadConfig("quickstart", {}).value();
    ASSERT_OK(WriteFileAtomically(RunConfigPath(run_.path()), ConfigToText(config)));
  }
  void Metrics(const std::string& text) {
    ASSERT_OK(WriteFileAtomically(RunMetricsPath(run_.path()), text));
  }
  RunWatch::Standing Now(absl::Duration later = absl::ZeroDuration()) {
    return watch_.Now(absl::Now() + later).value();
  }

  TempDir run_;
  RunWatch watch_{run_.path()};
};

TEST_F(RunWatchTest, TellsEachEpochOnce) {
  const std::string first =
      R"({"event":"step","step":0,"epoch":1,"loss":2})"
      "\n"
      R"({"event":"epoch","epoch":1,"train_loss":1.5,"valid_accuracy":0.25,"test_accuracy":0.5,"seconds":2,"train_nodes_per_second":100})"
      "\n";
  Metrics(first);
  EXPECT_EQ(watch_.NewEpochs().value(),
            "epoch 1/10  loss 1.5000  valid 0.2500  test 0.5000  2.00 s  100 nodes/s\n");
  const std::string second = R"({"event":"epoch","epoch":2,"train_loss":1,"seconds":2})";
  Metrics(first + second);  // its line is not whole yet
  EXPECT_EQ(watch_.NewEpochs().value(), "");
  Metrics(first + second + "\n");
  EXPECT_THAT(watch_.NewEpochs().value(), HasSubstr("epoch 2/10  loss 1.0000"));
}

TEST_F(RunWatchTest, ShowsTheMetricThatTheBestEpochIsChosenBy) {
  const Config config = LoadConfig("quickstart", {"train.select_by=ROC_AUC"}).value();
  ASSERT_OK(WriteFileAtomically(RunConfigPath(run_.path()), ConfigToText(config)));
  Metrics(R"({"event":"epoch","epoch":1,"train_loss":1,"valid_accuracy":0.5,"valid_roc_auc":0.75})"
          "\n");
  EXPECT_THAT(watch_.NewEpochs(), IsOkAndHolds(HasSubstr("valid ROC AUC 0.7500")));
}

TEST_F(RunWatchTest, BeginsAgainWhereAResumedRunWroteOtherLinesMeanwhile) {
  const auto epoch = [](int number, const char* seconds) {
    return absl::StrCat(R"({"event":"epoch","epoch":)", number, R"(,"train_loss":1.5,"seconds":)",
                        seconds, "}\n");
  };
  Metrics(epoch(1, "2") + epoch(2, "2"));
  EXPECT_THAT(watch_.NewEpochs().value(), HasSubstr("epoch 2/10"));
  // Resumed after epoch 1, and beyond what was read when it is next looked at.
  Metrics(epoch(1, "2") + epoch(2, "2.25") + epoch(3, "2"));
  EXPECT_THAT(watch_.NewEpochs().value(),
              AllOf(HasSubstr("epoch 1/10"), HasSubstr("epoch 2/10  loss 1.5000  2.25 s"),
                    HasSubstr("epoch 3/10")));
  EXPECT_EQ(watch_.NewEpochs().value(), "");
}

TEST_F(RunWatchTest, ReadsMetricsOfMoreThanAGigabyte) {
  Metrics("");
  std::filesystem::resize_file(RunMetricsPath(run_.path()), (uintmax_t{1} << 30) + 1000);
  std::ofstream(RunMetricsPath(run_.path()), std::ios::app)
      << "\n"
      << R"({"event":"epoch","epoch":3,"train_loss":1.5,"seconds":2})"
      << "\n";
  EXPECT_THAT(watch_.NewEpochs(), IsOkAndHolds(HasSubstr("epoch 3/10  loss 1.5000")));
  EXPECT_THAT(watch_.NewEpochs(), IsOkAndHolds(""));
}

TEST_F(RunWatchTest, KnowsARunThatLivesFromOneThatWasKilled) {
  EXPECT_EQ(Now().state, State::kStopped);
  RankProgress progress;
  progress.Set("training", 12);
  SignOfLife sign(RunAlivePath(run_.path()), progress);
  while (!FileExists(RunAlivePath(run_.path()))) absl::SleepFor(absl::Milliseconds(1));
  EXPECT_EQ(Now().state, State::kRunning);
  EXPECT_THAT(Now().line, HasSubstr("training, step 12"));
  EXPECT_EQ(Now(absl::Minutes(2)).state, State::kLost);
  EXPECT_THAT(Now(absl::Minutes(2)).line, AllOf(HasSubstr("silent for 2m"), HasSubstr("--resume")));
  progress.Set("writing a checkpoint before it stops", 13);
  sign.End("stopped");
  EXPECT_EQ(Now(absl::Minutes(2)).state, State::kStopped);
  EXPECT_EQ(Now().line,
            absl::StrCat("stopped after step 13, as asked; carry on with quadhop train --run ",
                         run_.path(), " --resume"));
}

TEST_F(RunWatchTest, KnowsAtOnceThatAProcessOfThisHostIsGone) {
  RankProgress progress;
  progress.Set("training", 12);
  ASSERT_OK(WriteFileAtomically(RunStorePath(run_.path()), "s.qh\n"));
  absl::optional<FileLock> claim = ClaimFolder(run_.path(), absl::ZeroDuration()).value();
  const SignOfLife sign(RunAlivePath(run_.path()), progress);
  while (!FileExists(RunAlivePath(run_.path()))) absl::SleepFor(absl::Milliseconds(1));
  EXPECT_EQ(Now().state, State::kRunning);
  claim.reset();
  EXPECT_EQ(Now().state, State::kLost);
  EXPECT_THAT(Now().line, AllOf(HasSubstr("killed on "), HasSubstr("training, step 12")));
  // What another host locks may not be seen here.
  ASSERT_OK(WriteFileAtomically(RunAlivePath(run_.path()),
                                absl::StrCat(R"({"state":"running","host":"elsewhere","time":)",
                                             absl::ToUnixSeconds(absl::Now()), "}")));
  EXPECT_EQ(Now().state, State::kRunning);
}

TEST_F(RunWatchTest, ARunThatWasKilledCameAsFarAsItsMetricsSayIfTheySayMore) {
  const auto sign = [&](int step) {
    ASSERT_OK(WriteFileAtomically(
        RunAlivePath(run_.path()),
        absl::StrCat(R"({"state":"running","phase":"starting","host":"elsewhere","step":)", step,
                     R"(,"time":0})")));
  };
  Metrics(R"({"event":"step","step":16,"epoch":2,"loss":1})"
          "\n"
          R"({"event":"epoch","epoch":2,"train_loss":1.5})"
          "\n"
          R"({"event":"step","st)");
  sign(0);
  EXPECT_EQ(Now().state, State::kLost);
  EXPECT_THAT(Now().line, HasSubstr("(after step 17)"));
  sign(20);
  EXPECT_THAT(Now().line, HasSubstr("(starting, step 20)"));
  Metrics("");
  sign(0);
  EXPECT_THAT(Now().line, HasSubstr("(starting, step 0)"));
}

TEST_F(RunWatchTest, SaysWhatAFinishedRunCameTo) {
  ASSERT_OK(WriteFileAtomically(RunSummaryPath(run_.path()), R"({"test_accuracy":0.5})"));
  EXPECT_EQ(Now().state, State::kFinished);
  EXPECT_EQ(Now().line, "finished  test 0.5000");
  const Outcome outcome = Quadhop({"watch", run_.path()});
  EXPECT_EQ(outcome.code, ExitCode::kDone);
  EXPECT_THAT(outcome.out, HasSubstr("finished"));
}

TEST_F(RunWatchTest, ARunThatFailedSaysSoOfItself) {
  RankProgress progress;
  { const SignOfLife sign(RunAlivePath(run_.path()), progress); }
  EXPECT_THAT(Now().line, HasSubstr("failed at starting, step 0"));
  EXPECT_EQ(Quadhop({"watch", run_.path()}).code, ExitCode::kResumable);
}

TEST(Watch, RefusesAFolderThatIsNoRun) {
  const TempDir folder;
  const Outcome outcome = Quadhop({"watch", folder.path()});
  EXPECT_EQ(outcome.code, ExitCode::kFailed);
  EXPECT_THAT(outcome.err, HasSubstr("is not the folder of a run"));
}

}  // namespace
}  // namespace quadhop
