// When a run writes checkpoints, and what it does when it cannot.
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/files/file.h"
#include "launch/run/checkpoint_folder.h"
#include "launch/run/run_paths.h"
#include "tests/launch/training/training_fixture.h"

namespace quadhop {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class CheckpointingTest : public TrainingTest {};

TEST_F(CheckpointingTest, ADamagedCheckpointIsReportedAndTheOneBeforeIsTaken) {
  ASSERT_EQ(Train(run_, {"checkpoint.every_steps=4", "train.fail_at.point=TRAINING_STEP",
                         "train.fail_at.fault=ERROR", "train.fail_at.step=11"})
                .code,
            ExitCode::kFailed);
  ASSERT_THAT(ListCheckpointSteps(run_), IsOkAndHolds(ElementsAre(4, 6, 8)));
  const std::string weights = CheckpointPath(run_, 8) + "/weights.safetensors";
  std::fstream file(weights, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(1000);
  file.put('x');
  file.close();
  ASSERT_OK(MakeDirectories(CheckpointPath(run_, 10) + ".tmp"));
  const Outcome resumed = Resume(run_, "2");
  EXPECT_EQ(resumed.code, ExitCode::kDone) << resumed.err;
  EXPECT_THAT(resumed.err, AllOf(HasSubstr("is skipped"), HasSubstr(weights)));
  EXPECT_THAT(resumed.out, HasSubstr("resuming after epoch 1, step 6"));
  EXPECT_TRUE(FileExists(RunCheckpointsPath(run_) + "/damaged-step-0000000008"));
  EXPECT_FALSE(FileExists(CheckpointPath(run_, 10) + ".tmp"));
  EXPECT_TRUE(ResultOf(run_) == Undisturbed());
}

TEST_F(CheckpointingTest, AFailedWriteIsAWarningAndTheRunGoesOn) {
  const Outcome outcome =
      Train(run_, {"checkpoint.every_steps=4", "train.fail_at.point=CHECKPOINT_FILES",
                   "train.fail_at.fault=ERROR", "train.fail_at.rank=1", "train.fail_at.step=8"});
  EXPECT_EQ(outcome.code, ExitCode::kDone) << outcome.err;
  EXPECT_THAT(outcome.err,
              HasSubstr("warning: the checkpoint after step 8 could not be written, training goes "
                        "on: write checkpoint failed on rank 1"));
  EXPECT_THAT(outcome.out, HasSubstr("[1 checkpoint could not be written]"));
  EXPECT_FALSE(FileExists(CheckpointPath(run_, 8)));
  EXPECT_TRUE(FileExists(CheckpointPath(run_, 4)));
  ASSERT_OK_AND_ASSIGN(const std::string summary, ReadFile(RunSummaryPath(run_)));
  EXPECT_EQ(nlohmann::json::parse(summary)["failed_checkpoints"], 1);
  EXPECT_TRUE(ResultOf(run_) == Undisturbed());
}

TEST_F(CheckpointingTest, ABestCheckpointThatCouldNotBeWrittenIsNamedAndTriedAgain) {
  // With this seed the first evaluation is the best.
  const Outcome outcome = Train(run_, {"model.head_features=false", "train.learning_rate=1e-9",
                                       "train.seed=7", "train.fail_at.point=CHECKPOINT_FILES",
                                       "train.fail_at.fault=ERROR", "train.fail_at.step=6"});
  EXPECT_EQ(outcome.code, ExitCode::kDone) << outcome.err;
  EXPECT_THAT(
      outcome.err,
      AllOf(HasSubstr("the checkpoint after step 6, the best so far, could not be written"),
            HasSubstr("the checkpoint after step 6, the best so far, has been written after all")));
  ASSERT_OK_AND_ASSIGN(const std::string text, ReadFile(RunSummaryPath(run_)));
  const nlohmann::json summary = nlohmann::json::parse(text);
  EXPECT_EQ(summary["best_epoch"], 1);
  EXPECT_EQ(summary["best_checkpoint_epoch"], 1);
  EXPECT_EQ(summary["failed_checkpoints"], 1);
  ASSERT_OK_AND_ASSIGN(const std::string latest, FindCheckpoint(run_, "latest"));
  EXPECT_TRUE(std::filesystem::equivalent(latest, LatestCheckpointPath(run_)));
}

TEST_F(CheckpointingTest, AskedToStopDuringAnEvaluationItStopsAndEvaluatesWhenResumed) {
  for (const char* placement : {"MAPPED", "PARTITIONED"}) {
    SCOPED_TRACE(placement);
    std::filesystem::remove_all(run_);
    const Outcome stopped = Train(
        run_, {"train.fail_at.point=EVALUATION", "train.fail_at.fault=TERM",
               "train.fail_at.step=12", absl::StrCat("sampler.feature_placement=", placement)});
    EXPECT_EQ(stopped.code, ExitCode::kResumable) << stopped.err;
    EXPECT_THAT(stopped.out, AllOf(HasSubstr("epoch 1/3"), testing::Not(HasSubstr("epoch 2/3")),
                                   HasSubstr("stopped after step 12, as asked")));
    const Outcome resumed = Resume(run_, "3");
    EXPECT_EQ(resumed.code, ExitCode::kDone) << resumed.err;
    EXPECT_EQ(ResultOf(run_), Undisturbed());
    std::filesystem::remove_all(folder_ / "undisturbed");
  }
}

// Of which each part is one step, so that the request is read in the next part or epoch; and the
// last of the run.
TEST_F(CheckpointingTest, AskedToStopDuringAShortOrTheLastEvaluationItEndsEqual) {
  for (const auto& [batch, last_step] :
       {std::pair("train.batch=8", 18), std::pair("train.batch=600", 3)}) {
    SCOPED_TRACE(batch);
    const Outcome undisturbed = Train(folder_ / "undisturbed", {batch});
    ASSERT_EQ(undisturbed.code, ExitCode::kDone) << undisturbed.err;
    const Outcome stopped =
        Train(run_, {batch, "train.fail_at.point=EVALUATION", "train.fail_at.fault=TERM",
                     absl::StrCat("train.fail_at.step=", last_step)});
    if (stopped.code == ExitCode::kResumable)
      EXPECT_EQ(Train(run_, {batch}, {"--resume", "--ranks-in-process", "3"}).code,
                ExitCode::kDone);
    else
      EXPECT_EQ(stopped.code, ExitCode::kDone) << stopped.err;
    EXPECT_EQ(ResultOf(run_), ResultOf(folder_ / "undisturbed"));
    std::filesystem::remove_all(run_);
    std::filesystem::remove_all(folder_ / "undisturbed");
  }
}

TEST_F(CheckpointingTest, ACheckpointThatIsDueByTheClockIsWrittenBeforeTheEvaluation) {
  const Outcome broken =
      Train(run_, {"checkpoint.every_minutes=1e-9", "train.fail_at.point=EVALUATION",
                   "train.fail_at.fault=ERROR", "train.fail_at.step=6"});
  EXPECT_EQ(broken.code, ExitCode::kFailed);
  EXPECT_THAT(ListCheckpointSteps(run_), IsOkAndHolds(ElementsAre(2, 4, 6)));
}

TEST_F(CheckpointingTest, AWishForACheckpointByTheClockIsMetOnce) {
  // Due after every step; a wish is read a step later, and what was wished before that write is
  // met.
  const Outcome outcome = Train(run_, {"checkpoint.every_minutes=1e-9"});
  EXPECT_EQ(outcome.code, ExitCode::kDone) << outcome.err;
  EXPECT_THAT(ListCheckpointSteps(run_), IsOkAndHolds(ElementsAre(2, 4, 6, 8, 10, 12, 14, 16, 18)));
}

TEST_F(CheckpointingTest, AWishForACheckpointByTheClockIsMetInEpochsOfFewSteps) {
  // But for the first, whose evaluation is the best so far, only the clock asks for them.
  const auto steps_saved = [&](const char* batch) {
    const Outcome outcome =
        Train(run_, {"checkpoint.every_minutes=1e-9", "checkpoint.every_epochs=1000000",
                     "train.learning_rate=1e-9", "train.epochs=4", batch});
    EXPECT_EQ(outcome.code, ExitCode::kDone) << outcome.err;
    const auto steps = ListCheckpointSteps(run_);
    std::filesystem::remove_all(run_);
    return steps;
  };
  EXPECT_THAT(steps_saved("train.batch=48"), IsOkAndHolds(ElementsAre(1, 2, 3, 4)));
  EXPECT_THAT(steps_saved("train.batch=24"), IsOkAndHolds(ElementsAre(2, 4, 6, 8)));
}

}  // namespace
}  // namespace quadhop
