// Training and what is before it within the limits that a shell or a batch system sets a process.
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <gmock/gmock.h>
#include <sys/wait.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "core/files/file.h"
#include "launch/ranks/gpus.h"
#include "launch/run/run_paths.h"
#include "tests/launch/quadhop_command.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// A graph of 600 nodes in 3 partitions.
class LimitsTest : public testing::Test {
 protected:
  void SetUp() override { SynthGraph(folder_ / "graph", 600); }

  // The program, under a limit as the shell's `ulimit` takes it.
  Outcome Under(const std::string& limit, const std::string& arguments) const {
    const std::string said = folder_ / "said";
    const int status = std::system(
        absl::StrCat("ulimit ", limit, "; ", QH_PROGRAM, " ", arguments, " >/dev/null 2>", said)
            .c_str());
    return {static_cast<ExitCode>(WEXITSTATUS(status)), "", ReadFile(said).value_or("")};
  }
  std::string Prep() const {
    return absl::StrCat("prep --from ", folder_ / "graph", " --store ", store_,
                        " --parts 3 --dim 4 --threads 1");
  }
  std::string Train(const std::vector<std::string>& settings) const {
    std::string arguments = absl::StrCat("train --ranks-in-process 2 --threads 1 --store ", store_,
                                         " --config quickstart --run ", run_);
    for (const std::string& setting : settings) absl::StrAppend(&arguments, " --set ", setting);
    return arguments;
  }

  TempDir folder_;
  const std::string store_ = folder_ / "store.qh";
  const std::string run_ = folder_ / "run";
};

// Two partitions are one rank's, and one the other's.
TEST_F(LimitsTest, MemoryThatIsShortIsToldOnceAHost) {
#ifdef QH_SANITIZED
  GTEST_SKIP() << "sanitizers take more address space than the limit";
#endif
  ASSERT_EQ(Under("-f unlimited", Prep()).code, ExitCode::kDone);
  const Outcome refused =
      Under("-v 2000000", Train({"model.width=4096", "train.batch=48", "sampler.sampled_nodes=4"}));
  EXPECT_EQ(refused.code, ExitCode::kFailed);
  const std::vector<std::string> pieces =
      absl::StrSplit(refused.err, "training (2 ranks on this host) needs");
  EXPECT_EQ(pieces.size(), 2U) << refused.err;
}

// Arenas of malloc, 128 MiB for each thread, would take more.
TEST_F(LimitsTest, ASmallTrainingNeedsLittleAddressSpace) {
#ifdef QH_SANITIZED
  GTEST_SKIP() << "sanitizers take more address space than the limit";
#endif
  if (IsBuiltWithCuda()) GTEST_SKIP() << "CUDA's libraries take more address space than the limit";
  ASSERT_EQ(Under("-f unlimited", Prep()).code, ExitCode::kDone);
  const Outcome trained = Under("-v 300000", Train({"train.epochs=1"}));
  EXPECT_EQ(trained.code, ExitCode::kDone) << trained.err;
}

TEST_F(LimitsTest, TrainingOutlivesWhoeverReadsWhatItPrints) {
  ASSERT_EQ(Under("-f unlimited", Prep()).code, ExitCode::kDone);
  const std::string train = absl::StrCat(
      QH_PROGRAM, " ", Train({"train.epochs=3", "model.width=8", "model.centroids=2"}));
  const int status = std::system(
      absl::StrCat("bash -c '(", train, "; exit $?) 2>&1 | true; exit ${PIPESTATUS[0]}'").c_str());
  EXPECT_EQ(WEXITSTATUS(status), static_cast<int>(ExitCode::kFailed));
  EXPECT_TRUE(FileExists(RunSummaryPath(run_)));
}

TEST_F(LimitsTest, AFileThatMayGrowNoFurtherIsAWarningAndTrainingGoesOn) {
  ASSERT_EQ(Under("-f unlimited", Prep()).code, ExitCode::kDone);
  // A checkpoint's files are smaller, the metrics of 360 steps are not.
  const Outcome trained =
      Under("-f 64", Train({"train.epochs=60", "train.batch=8", "train.log_every_steps=1",
                            "model.width=8", "model.centroids=2", "sampler.sampled_nodes=4"}));
  EXPECT_EQ(trained.code, ExitCode::kDone) << trained.err;
  EXPECT_THAT(trained.err, AllOf(HasSubstr("lines of metrics are lost, training goes on"),
                                 HasSubstr(RunMetricsPath(run_)), HasSubstr("File too large")));
  EXPECT_TRUE(FileExists(RunSummaryPath(run_)));
}

TEST_F(LimitsTest, AStoreOfLargerFilesThanMayBeIsRefusedWithItsFileNamed) {
  const Outcome refused = Under("-f 8", Prep());
  EXPECT_EQ(refused.code, ExitCode::kFailed) << refused.err;
  EXPECT_THAT(refused.err, AllOf(HasSubstr(store_), HasSubstr("ulimit -f")));
  EXPECT_EQ(Quadhop({"inspect", store_}).code, ExitCode::kFailed);
}

}  // namespace
}  // namespace quadhop
