// Whole runs of training that are stopped, broken, damaged and carried on.
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>
#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/files/file.h"
#include "core/files/file_lock.h"
#include "launch/config/config.h"
#include "launch/ranks/stop_signals.h"
#include "launch/run/checkpoint_folder.h"
#include "launch/run/run_claim.h"
#include "launch/run/run_folder.h"
#include "launch/run/run_paths.h"
#include "launch/training/train.h"
#include "launch/training/train_job.h"
#include "model/kernels/kernels.h"
#include "tests/launch/quadhop_command.h"
#include "tests/launch/training/training_fixture.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Ge;
using testing::HasSubstr;
using testing::Le;
using testing::StartsWith;

// The bytes of every file, by its path.
std::map<std::string, std::string> FilesUnder(const std::string& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) files[entry.path()] = ReadFile(entry.path()).value();
  return files;
}

TEST_F(TrainingTest, SaysOnWhatItTrains) {
  const Outcome outcome = Train(run_, {"model.backend=CPU", "train.epochs=1"});
  EXPECT_THAT(outcome.out, HasSubstr(" parameters, on CPUs\n"));
}

// 48 training nodes in 3 epochs.
TEST_F(TrainingTest, SaysThatACodebookOfTooManyCentroidsWillNotStart) {
  EXPECT_THAT(Train(run_, {"model.centroids=37"}).out,
              AllOf(HasSubstr("will not start"), HasSubstr("148 queries"), HasSubstr("have 144")));
  EXPECT_THAT(Train(folder_ / "fewer", {"model.centroids=36"}).out,
              testing::Not(HasSubstr("will not start")));
}

TEST_F(TrainingTest, SaysHowLongStepsWaitedForSumsOverRanks) {
  const Outcome outcome = Train(run_, {});
  ASSERT_EQ(outcome.code, ExitCode::kDone) << outcome.err;
  std::ifstream metrics(RunMetricsPath(run_));
  int num_epochs = 0;
  for (std::string line; std::getline(metrics, line);) {
    const nlohmann::json event = nlohmann::json::parse(line);
    if (event["event"] != "epoch") continue;
    ++num_epochs;
    double waited = event["loading"]["exposed_sums_seconds"];
    EXPECT_GT(waited, 0);
    for (const char* stage : {"plan", "sample", "unique", "exchange", "gather"})
      waited += double{event["loading"][absl::StrCat("exposed_", stage, "_seconds")]};
    EXPECT_LE(waited, double{event["loading"]["seconds"]} + 1e-6);
    EXPECT_EQ(event["loading"]["steps"], kStepsPerEpoch);
  }
  EXPECT_GT(num_epochs, 0);
}

TEST_F(TrainingTest, RecordsTheLearningRateOfEachStep) {
  ASSERT_EQ(Train(run_, {"train.learning_rate=0.25", "train.warmup_steps=2"}).code,
            ExitCode::kDone);
  std::ifstream metrics(RunMetricsPath(run_));
  std::vector<double> rates;
  for (std::string line; rates.size() < 3 && std::getline(metrics, line);)
    rates.push_back(nlohmann::json::parse(line)["learning_rate"]);
  EXPECT_THAT(rates, testing::ElementsAre(0.125, 0.25, 0.25));
}

TEST_F(TrainingTest, CarriedOnWithinAnEpochOnOtherRanksItIsEqualInEveryDigit) {
  const Outcome broken =
      Train(run_, {"checkpoint.every_steps=4", "train.fail_at.point=TRAINING_STEP",
                   "train.fail_at.fault=ERROR", "train.fail_at.rank=1", "train.fail_at.step=11"});
  EXPECT_EQ(broken.code, ExitCode::kFailed);
  EXPECT_THAT(broken.err, HasSubstr("rank 1: train.fail_at: an error on purpose at TRAINING_STEP"));
  const Outcome resumed = Resume(run_, "3");
  EXPECT_EQ(resumed.code, ExitCode::kDone) << resumed.err;
  EXPECT_THAT(resumed.out, AllOf(HasSubstr("resuming after epoch 1, step 8"),
                                 HasSubstr("checkpoint.every_steps: 4, now 0")));
  const Result undisturbed = Undisturbed();
  EXPECT_EQ(undisturbed.lines.size(), static_cast<size_t>(kSteps + 3));
  EXPECT_TRUE(ResultOf(run_) == undisturbed);
}

TEST_F(TrainingTest, SurvivesADeathAtAnyPointOfAWriteInAnEvaluationAndWithinACollective) {
  const Result undisturbed = Undisturbed();
  for (const char* point : {"CHECKPOINT_FILES", "CHECKPOINT_RENAME", "CHECKPOINT_PUBLISH",
                            "EVALUATION", "EXCHANGE", "ALL_REDUCE"}) {
    std::string command =
        absl::StrCat(QH_PROGRAM, " train --ranks-in-process 2 --threads 1 --store ", store_,
                     " --config quickstart --run ", run_);
    for (const std::string& setting :
         Settings({"checkpoint.every_steps=4", "sampler.feature_placement=PARTITIONED",
                   "train.fail_at.step=8", absl::StrCat("train.fail_at.point=", point)}))
      absl::StrAppend(&command, " --set ", setting);
    const int status = std::system((command + " >/dev/null 2>&1").c_str());
    EXPECT_EQ(WEXITSTATUS(status), 128 + SIGKILL) << point;  // as the shell says it
    const Outcome resumed = Resume(run_, "2");
    EXPECT_EQ(resumed.code, ExitCode::kDone) << point << ": " << resumed.err;
    EXPECT_TRUE(ResultOf(run_) == undisturbed) << point;
    ASSERT_OK(RemoveCheckpoints(run_));
    std::filesystem::remove_all(run_);
  }
}

TEST_F(TrainingTest, ARankThatRunsOutOfMemoryIsNamedAndThePeersDoNotWait) {
  for (const char* point : {"TRAINING_STEP", "EVALUATION"}) {
    const Outcome broken =
        Train(run_, {"sampler.feature_placement=PARTITIONED", "train.fail_at.fault=MEMORY",
                     "train.fail_at.rank=1", "train.fail_at.step=3",
                     absl::StrCat("train.fail_at.point=", point)});
    EXPECT_EQ(broken.code, ExitCode::kFailed);
    EXPECT_THAT(broken.err, HasSubstr("rank 1: out of memory"));
    std::filesystem::remove_all(run_);
  }
}

TEST_F(TrainingTest, ARankThatFailsWithinACollectiveIsNamedAndThePeersDoNotWait) {
  for (const char* point : {"EXCHANGE", "ALL_REDUCE"}) {
    const Outcome broken =
        Train(run_, {"sampler.feature_placement=PARTITIONED", "train.fail_at.fault=ERROR",
                     "train.fail_at.rank=1", "train.fail_at.step=3",
                     absl::StrCat("train.fail_at.point=", point)});
    EXPECT_EQ(broken.code, ExitCode::kFailed);
    EXPECT_THAT(broken.err,
                HasSubstr(absl::StrCat("rank 1: train.fail_at: an error on purpose at ", point)));
    std::filesystem::remove_all(run_);
  }
}

TEST_F(TrainingTest, StopsWhenAskedAndCarriesOnEqual) {
  ASSERT_OK_AND_ASSIGN(const ExitCode code, TrainAskedToStop(RunFolder::Start::kNew));
  EXPECT_EQ(code, ExitCode::kResumable);
  EXPECT_LT(ResultOf(run_).lines.size(), static_cast<size_t>(kSteps));
  EXPECT_EQ(Resume(run_, "1").code, ExitCode::kDone);
  EXPECT_TRUE(ResultOf(run_) == Undisturbed());
}

TEST_F(TrainingTest, ARunThatFailedBeforeItsFirstStepIsBegunAnew) {
  const Outcome failed = Train(run_, {"train.fail_at.point=TRAINING_STEP",
                                      "train.fail_at.fault=ERROR", "train.fail_at.step=0"});
  ASSERT_EQ(failed.code, ExitCode::kFailed);
  const Outcome again = Train(run_, {});
  EXPECT_EQ(again.code, ExitCode::kDone) << again.err;
}

TEST_F(TrainingTest, ACopyOfARunForWhichLinksWereFollowedCarriesOnEqual) {
  const std::string part = folder_ / "part";
  ASSERT_EQ(Train(part, {"train.epochs=2"}).code, ExitCode::kDone);
  std::filesystem::copy(part, run_, std::filesystem::copy_options::recursive);
  ASSERT_TRUE(
      std::filesystem::is_directory(std::filesystem::symlink_status(LatestCheckpointPath(run_))));
  const Outcome resumed = Resume(run_, "2");
  ASSERT_EQ(resumed.code, ExitCode::kDone) << resumed.err;
  EXPECT_EQ(ResultOf(run_), Undisturbed());
}

TEST_F(TrainingTest, CarryingOnARunThatIsFinishedLeavesItsSummary) {
  ASSERT_EQ(Train(run_, {}).code, ExitCode::kDone);
  // One that is made again would have the same figures, but not this.
  const std::string summary = ReadFile(RunSummaryPath(run_)).value() + " ";
  ASSERT_OK(WriteFileAtomically(RunSummaryPath(run_), summary));
  ASSERT_EQ(Resume(run_, "1").code, ExitCode::kDone);
  EXPECT_EQ(ReadFile(RunSummaryPath(run_)).value(), summary);
}

TEST_F(TrainingTest, ABatchBeyondTheTrainingNodesTakesNoMoreMemoryThanTheyDo) {
  const Outcome outcome = Train(run_, {"train.batch=1000000000", "model.width=64"});
  EXPECT_EQ(outcome.code, ExitCode::kDone) << outcome.err;
  EXPECT_EQ(Quadhop({"predict", "--run", run_, "--out", folder_ / "p.npy"}).code, ExitCode::kDone);
}

TEST_F(TrainingTest, AModelThatIsTooLargeIsRefusedByThePlan) {
  const Outcome outcome = Train(run_, {"model.width=4096", "model.heads=64"});
  EXPECT_EQ(outcome.code, ExitCode::kFailed);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("needs"), HasSubstr("model.width")));
}

TEST_F(TrainingTest, WhatEveryRankFindsWrongIsSaidByTheJobNotByARank) {
  const Outcome outcome = Train(run_, {}, {"--ranks-in-process", "4"});
  EXPECT_EQ(outcome.code, ExitCode::kFailed);
  EXPECT_THAT(outcome.err, StartsWith("quadhop train: there are 4 ranks, but "));
}

TEST_F(TrainingTest, NeedsAStoreThatNobodyWrites) {
  ASSERT_OK_AND_ASSIGN(const FileLock writer, FileLock::OfFolder(store_));
  EXPECT_THAT(Train(run_, {}).err, HasSubstr("another process is writing this store"));
}

TEST_F(TrainingTest, ARunThatIsThereIsRefusedBeforeTheStoreIsRead) {
  ASSERT_EQ(Train(run_, {"train.epochs=1"}).code, ExitCode::kDone);
  std::filesystem::remove_all(store_);
  const Outcome outcome = Train(run_, {"train.epochs=1"});
  EXPECT_EQ(outcome.code, ExitCode::kFailed);
  EXPECT_THAT(outcome.err, HasSubstr(absl::StrCat(run_, " holds a finished run")));
}

TEST_F(TrainingTest, AConfigThatDiffersInWhatMattersIsRefusedAndTheRunStays) {
  Undisturbed();
  const Outcome refused = Resume(folder_ / "undisturbed", "2", {"train.learning_rate=0.5"});
  EXPECT_EQ(refused.code, ExitCode::kFailed);
  EXPECT_THAT(refused.err, HasSubstr("train.learning_rate: 0.001, now 0.5"));
  EXPECT_TRUE(FileExists(RunSummaryPath(folder_ / "undisturbed")));
}

TEST_F(TrainingTest, ARefusedResumeChangesNothing) {
  ASSERT_EQ(Train(run_, {"train.epochs=1"}).code, ExitCode::kDone);
  const auto files = FilesUnder(run_);
  SynthGraph(folder_ / "other", 600, 7);
  ASSERT_EQ(Quadhop({"prep", "--from", folder_ / "other", "--store", folder_ / "other.qh",
                     "--parts", "3", "--dim", "4"})
                .code,
            ExitCode::kDone);
  const std::string store = std::exchange(store_, folder_ / "other.qh");
  EXPECT_EQ(Resume(run_, "2").code, ExitCode::kFailed);
  EXPECT_TRUE(FilesUnder(run_) == files);
  store_ = store;
  const std::string weights = LatestCheckpointPath(run_) + "/weights.safetensors";
  const std::string bytes = ReadFile(weights).value();
  ASSERT_OK(WriteFileAtomically(weights, bytes.substr(1)));  // of the only checkpoint
  const auto damaged = FilesUnder(run_);
  const Outcome refused = Resume(run_, "2");
  EXPECT_EQ(refused.code, ExitCode::kFailed);
  EXPECT_THAT(refused.err, HasSubstr("no checkpoint of"));
  EXPECT_TRUE(FilesUnder(run_) == damaged);
}

TEST_F(TrainingTest, AGpuThatIsAskedForAndNotThereIsRefusedWithWhatToDo) {
  if (MakeCudaKernels(/*local_rank=*/0, Precision::kF32).ok()) GTEST_SKIP() << "there is a GPU";
  const Outcome refused = Train(folder_ / "run", {"model.backend=CUDA"});
  EXPECT_EQ(refused.code, ExitCode::kFailed);
  EXPECT_THAT(refused.err, HasSubstr("model.backend=CPU"));
}

TEST_F(TrainingTest, TheRunRecordsWhatAutoStoodFor) {
  const bool gpu = MakeCudaKernels(/*local_rank=*/0, Precision::kF32).ok();
  ASSERT_EQ(Train(run_, {}).code, ExitCode::kDone);
  ASSERT_OK_AND_ASSIGN(const Config config, ReadRunConfig(run_));
  EXPECT_EQ(config.model().backend(), gpu ? ModelConfig::CUDA : ModelConfig::CPU);
  EXPECT_EQ(config.sampler().backend(), gpu ? SamplerConfig::CUDA : SamplerConfig::CPU);
}

TEST_F(TrainingTest, ARunKeepsTheBackendThatItBeganWith) {
  ASSERT_EQ(
      Train(run_, {"train.fail_at.point=LOSS", "train.fail_at.step=9", "model.backend=CPU"}).code,
      ExitCode::kFailed);
  ASSERT_OK_AND_ASSIGN(const std::string began, ReadFile(RunConfigPath(run_)));
  ASSERT_OK(WriteFileAtomically(RunConfigPath(run_),
                                absl::StrReplaceAll(began, {{"backend: CPU", "backend: CUDA"}})));
  if (!MakeCudaKernels(/*local_rank=*/0, Precision::kF32).ok()) {
    const Outcome elsewhere = Resume(run_, "2");
    EXPECT_EQ(elsewhere.code, ExitCode::kFailed);
    EXPECT_THAT(elsewhere.err, HasSubstr("model.backend=CPU"));
  }
  ASSERT_OK(WriteFileAtomically(RunConfigPath(run_), began));
  const Outcome resumed = Resume(run_, "2");
  EXPECT_EQ(resumed.code, ExitCode::kDone) << resumed.err;
  ASSERT_OK_AND_ASSIGN(const Config config, ReadRunConfig(run_));
  EXPECT_EQ(config.model().backend(), ModelConfig::CPU);
}

TEST_F(TrainingTest, ALossThatIsNotFiniteEndsTheRunWithTheStateBeforeIt) {
  const Outcome outcome = Train(run_, {"train.fail_at.point=LOSS", "train.fail_at.step=9"});
  EXPECT_EQ(outcome.code, ExitCode::kFailed);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("step 9: the loss is nan"),
                                 HasSubstr(RunBadStepPath(run_)), HasSubstr("train.clip_norm")));
  ASSERT_OK_AND_ASSIGN(const std::string text, ReadFile(RunBadStepPath(run_)));
  const nlohmann::json report = nlohmann::json::parse(text);
  EXPECT_EQ(report["step"], 9);
  EXPECT_THAT(report["nodes"].size(), AllOf(Ge(7u), Le(9u)));  // 48 training nodes in 6 steps
  const Outcome resumed = Resume(run_, "2");
  EXPECT_EQ(resumed.code, ExitCode::kDone) << resumed.err;
  EXPECT_THAT(resumed.out, HasSubstr("resuming after epoch 1, step 9"));
  EXPECT_TRUE(ResultOf(run_) == Undisturbed());
}

TEST_F(TrainingTest, ABadStepMayBeLeftOut) {
  const Outcome outcome = Train(
      run_, {"train.fail_at.point=LOSS", "train.fail_at.step=9", "train.bad_steps_allowed=1"});
  EXPECT_EQ(outcome.code, ExitCode::kDone) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("left out (1 of 1 allowed)"));
  ASSERT_OK_AND_ASSIGN(const std::string summary, ReadFile(RunSummaryPath(run_)));
  EXPECT_EQ(nlohmann::json::parse(summary)["skipped_steps"], 1);
  // Steps before it are those of an undisturbed run, and no later one is.
  const Result left_out = ResultOf(run_), undisturbed = Undisturbed();
  ASSERT_EQ(left_out.lines.size() + 1, undisturbed.lines.size());
  EXPECT_EQ(left_out.lines[9], undisturbed.lines[9]);  // step 8: the line of epoch 1 is before it
  EXPECT_EQ(left_out.lines[10]["step"], 10);
  EXPECT_NE(left_out.lines[10], undisturbed.lines[11]);
}

// 20 queries of 5 centroids are collected in steps 0 to 2.
TEST_F(TrainingTest, ABadStepIsUndoneWhileTheCodebookCollectsAndWhereItStarts) {
  const std::string undisturbed = folder_ / "undisturbed";
  ASSERT_EQ(Train(undisturbed, {"model.centroids=5"}).code, ExitCode::kDone);
  for (const char* step : {"1", "2", "3"}) {
    const std::string run = folder_ / absl::StrCat("run-", step);
    const Outcome outcome = Train(run, {"model.centroids=5", "train.fail_at.point=LOSS",
                                        absl::StrCat("train.fail_at.step=", step)});
    EXPECT_EQ(outcome.code, ExitCode::kFailed);
    EXPECT_THAT(outcome.err, HasSubstr("the state before it is in"));
    const Outcome resumed = Resume(run, "3", {"model.centroids=5"});
    EXPECT_EQ(resumed.code, ExitCode::kDone) << resumed.err;
    EXPECT_TRUE(ResultOf(run) == ResultOf(undisturbed)) << "step " << step;
  }
}

}  // namespace
}  // namespace quadhop
