// `train --run RUN --resume`: a run carries on with what its folder says of it.
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/files/file.h"
#include "launch/run/checkpoint_folder.h"
#include "launch/run/run_folder.h"
#include "tests/launch/quadhop_command.h"
#include "tests/support/graphs.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

#ifdef QH_MPIEXEC
constexpr char kEnvironment[] =
    "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 "
    "ASAN_OPTIONS=detect_leaks=0 ";  // Open MPI's
#endif

// A run of two epochs on split "b" of a store with splits "a" and "b", of fields that no preset
// has; it was killed, so that it lacks its second epoch.
class ResumeTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(WriteTinyStore(store_, {.graph_nodes = 200, .partitions = 2}));
  }

  Outcome Begin(const std::string& run, const std::vector<std::string>& more = {}) {
    std::vector<std::string> flags = {"--set", "checkpoint.every_steps=2", "--split", "b"};
    flags.insert(flags.end(), more.begin(), more.end());
    return TrainTiny(store_, run, /*epochs=*/2, flags);
  }
  // Fails in its second epoch.
  void BeginAndBreak(const std::string& run, const std::vector<std::string>& more = {}) {
    std::vector<std::string> flags = {"--set", "train.fail_at.point=EVALUATION",
                                      "--set", "train.fail_at.fault=ERROR",
                                      "--set", "train.fail_at.step=3"};
    flags.insert(flags.end(), more.begin(), more.end());
    const Outcome broken = Begin(run, flags);
    ASSERT_EQ(broken.code, ExitCode::kFailed);
    ASSERT_THAT(broken.err, HasSubstr("an error on purpose"));
  }
  static Outcome Resume(const std::string& run, const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"train", "--run", run, "--resume", "--threads", "1"};
    arguments.insert(arguments.end(), {"--set", "train.fail_at.point=NOWHERE"});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Quadhop(arguments);
  }
  static std::string Weights(const std::string& run) {
    return ReadFile(LatestCheckpointPath(run) + "/weights.safetensors").value();
  }

  TempDir folder_;
  const std::string store_ = folder_ / "s.qh";
  const std::string run_ = folder_ / "run";
};

TEST_F(ResumeTest, TakesStoreConfigAndSplitOfTheRun) {
  BeginAndBreak(run_);
  const Outcome resumed = Resume(run_);
  ASSERT_EQ(resumed.code, ExitCode::kDone) << resumed.err;
  EXPECT_THAT(resumed.out, AllOf(HasSubstr("split b"), HasSubstr("epoch 2/2"),
                                 Not(HasSubstr("checkpoint.every_steps"))));
  ASSERT_EQ(Begin(folder_ / "undisturbed").code, ExitCode::kDone);
  EXPECT_EQ(Weights(run_), Weights(folder_ / "undisturbed"));
}

TEST_F(ResumeTest, SetChangesSingleFieldsOfTheConfigOfTheRun) {
  BeginAndBreak(run_);
  const Outcome refused = Resume(run_, {"--set", "model.width=16"});
  EXPECT_EQ(refused.code, ExitCode::kFailed);
  EXPECT_THAT(refused.err, HasSubstr("model.width: 8, now 16"));
  const Outcome resumed = Resume(run_, {"--set", "train.epochs=3"});
  ASSERT_EQ(resumed.code, ExitCode::kDone) << resumed.err;
  EXPECT_THAT(resumed.out, AllOf(HasSubstr("train.epochs: 2, now 3"), HasSubstr("epoch 3/3")));
  ASSERT_OK_AND_ASSIGN(const Config config, ReadRunConfig(run_));
  EXPECT_EQ(config.train().epochs(), 3);
  EXPECT_EQ(config.checkpoint().every_steps(), 2);
}

TEST_F(ResumeTest, AConfigThatIsGivenIsComparedWithThatOfTheRun) {
  BeginAndBreak(run_);
  const Outcome refused = Resume(run_, {"--config", "quickstart"});
  EXPECT_EQ(refused.code, ExitCode::kFailed);
  EXPECT_THAT(refused.err, HasSubstr("model.width: 8, now "));
}

TEST_F(ResumeTest, BeforeTheFirstCheckpointItKeepsTheSplitToo) {
  BeginAndBreak(run_);
  ASSERT_OK(RemoveCheckpoints(run_));
  const Outcome resumed = Resume(run_);
  ASSERT_EQ(resumed.code, ExitCode::kDone) << resumed.err;
  EXPECT_THAT(resumed.out, HasSubstr("split b"));
}

TEST_F(ResumeTest, AStoreThatMovedIsToBeNamed) {
  BeginAndBreak(run_);
  const std::string moved = folder_ / "moved.qh";
  std::filesystem::rename(store_, moved);
  const Outcome refused = Resume(run_);
  EXPECT_EQ(refused.code, ExitCode::kFailed);
  EXPECT_THAT(refused.err, AllOf(HasSubstr(store_ + ", which is not there"), HasSubstr("--store")));
  const Outcome resumed = Resume(run_, {"--store", moved});
  ASSERT_EQ(resumed.code, ExitCode::kDone) << resumed.err;
  EXPECT_THAT(ReadRunStore(run_), IsOkAndHolds(moved));
}

TEST_F(ResumeTest, WithoutARunThereItSaysWhatBeginsOne) {
  const Outcome none = Resume(folder_ / "none");
  EXPECT_EQ(none.code, ExitCode::kFailed);
  EXPECT_THAT(none.err, AllOf(HasSubstr("none is not the folder of a run"),
                              HasSubstr("give --store and --config")));
  EXPECT_FALSE(FileExists(folder_ / "none"));
  EXPECT_THAT(Quadhop({"train", "--help"}).out,
              AllOf(HasSubstr(" train --store NAME.qh --config CONFIG --run RUN ["),
                    HasSubstr(" train --run RUN --resume [")));
  const Outcome no_store = Quadhop({"train", "--run", run_, "--config", "quickstart"});
  EXPECT_EQ(no_store.code, ExitCode::kUsage);
  EXPECT_THAT(no_store.err, HasSubstr("needs --store NAME.qh"));
  EXPECT_EQ(Quadhop({"train", "--run", run_, "--store", store_}).code, ExitCode::kUsage);
}

TEST_F(ResumeTest, RunsOverSeedsTakeWhatTheFirstOfThemHas) {
  BeginAndBreak(run_, {"--seeds", "2", "--set", "train.seed=5"});
  const Outcome unsaid = Resume(run_);
  EXPECT_EQ(unsaid.code, ExitCode::kFailed);
  EXPECT_THAT(unsaid.err, AllOf(HasSubstr("--seeds"), HasSubstr("run/seed-5")));
  const Outcome resumed = Resume(run_, {"--seeds", "2"});
  ASSERT_EQ(resumed.code, ExitCode::kDone) << resumed.err;
  for (const char* one : {"/seed-5", "/seed-6"}) {
    EXPECT_THAT(ReadRunSplit(run_ + one), IsOkAndHolds("b")) << one;
    ASSERT_OK_AND_ASSIGN(const Config config, ReadRunConfig(run_ + one));
    EXPECT_EQ(config.train().epochs(), 2) << one;
  }
  ASSERT_OK_AND_ASSIGN(const std::string all, ReadFile(run_ + "/repetitions.json"));
  EXPECT_EQ(nlohmann::json::parse(all)["runs"].size(), 2u);
}

TEST_F(ResumeTest, UnderMpirunRanksTakeTheSame) {
#ifndef QH_MPIEXEC
  GTEST_SKIP() << "built without MPI";
#else
  BeginAndBreak(run_);
  const std::string command =
      absl::StrCat(kEnvironment, QH_PROGRAM, " launch local -n 2 -- train --threads 1 --resume",
                   " --run ", run_, " --set train.fail_at.point=NOWHERE >/dev/null 2>&1");
  EXPECT_EQ(std::system(command.c_str()), 0);
  ASSERT_EQ(Begin(folder_ / "undisturbed").code, ExitCode::kDone);
  EXPECT_EQ(Weights(run_), Weights(folder_ / "undisturbed"));
#endif
}

TEST_F(ResumeTest, RanksThatReadOtherConfigsAreRefused) {
#ifndef QH_MPIEXEC
  GTEST_SKIP() << "built without MPI";
#else
  BeginAndBreak(run_);
  const std::string said = folder_ / "said";
  const auto rank = [&](const char* epochs) {
    return absl::StrCat(" -n 1 ", QH_PROGRAM, " train --threads 1 --resume --run ", run_,
                        " --set train.epochs=", epochs);
  };
  const std::string command =
      absl::StrCat(kEnvironment, QH_MPIEXEC, " --oversubscribe --bind-to none", rank("2"), " :",
                   rank("3"), " >", said, " 2>&1");
  EXPECT_NE(std::system(command.c_str()), 0);
  EXPECT_THAT(ReadFile(said),
              IsOkAndHolds(AllOf(HasSubstr("is not the one that rank 0 has"),
                                 HasSubstr("train.epochs: 3; on rank 0 train.epochs: 2"))));
#endif
}

}  // namespace
}  // namespace quadhop
