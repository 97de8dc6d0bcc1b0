#include "launch/report/report.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <regex>

#include "core/files/file.h"
#include "launch/config/config.h"
#include "launch/report/partition_map.h"
#include "launch/report/svg_frame.h"
#include "launch/run/run_paths.h"
#include "tests/launch/quadhop_command.h"
#include "tests/support/graphs.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// Two runs of 2 classes on a store of two cliques, one clique a partition. The second recorded
// nothing but its config.
class ReportTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(WriteTinyStore(store_, {.partitions = 2}));
    const Config config = LoadConfig("quickstart", {}).value();
    const Config other = LoadConfig("quickstart", {"train.seed=7"}).value();
    for (const auto& [run, of_run] : {std::pair{full_, &config}, std::pair{bare_, &other}}) {
      ASSERT_OK(MakeDirectories(run));
      ASSERT_OK(WriteFileAtomically(RunConfigPath(run), ConfigToText(*of_run)));
      ASSERT_OK(WriteFileAtomically(RunStorePath(run), store_ + "\n"));
    }
    std::string metrics = "{\"event\":\"step\",\"step\":0,\"epoch\":1,\"loss\":2}\n";
    for (int epoch = 1; epoch <= 3; ++epoch)
      absl::StrAppend(
          &metrics, "{\"event\":\"epoch\",\"epoch\":", epoch, ",\"train_loss\":", 4 - epoch,
          ",\"valid_loss\":1.", epoch, ",\"valid_accuracy\":0.", epoch, ",\"test_accuracy\":0.",
          epoch, ",\"after_step\":", 10 * epoch, ",\"seconds\":2,\"train_nodes_per_second\":50,",
          "\"evaluation_seconds\":1,\"loading\":{\"steps\":5,\"seconds\":1,\"exposed_"
          "sample_seconds\":0.25,",
          "\"busy_sample_seconds\":1,\"remote_rows\":1000,\"hot_set_hit_rate\":0.25,",
          "\"feature_bytes_received\":3000}}\n");
    ASSERT_OK(WriteFileAtomically(RunMetricsPath(full_), metrics + "{\"event\":\"epo"));
    ASSERT_OK(WriteFileAtomically(RunSummaryPath(full_), R"({"test_accuracy":0.3,"ranks":2})"));
    ASSERT_OK(WriteFileAtomically(
        RunEvaluationPath(full_),
        R"({"epoch":3,"test":{"confusion":[[3,1],[0,4]],"degrees":[{"from":4,"nodes":8,"right":7}]},)"
        R"("codebook_counts":[5,0,7]})"));
    ASSERT_OK(WriteFileAtomically(RunMachinePath(full_),
                                  R"({"hosts":[{"name":"n<1>","ranks":2}],"threads":3})"));
  }

  std::string Page() {
    const Outcome outcome = Quadhop({"report", full_, bare_, "--out", folder_ / "report.html"});
    EXPECT_EQ(outcome.code, ExitCode::kDone) << outcome.err;
    return ReadFile(folder_ / "report.html").value();
  }

  TempDir folder_;
  const std::string store_ = folder_ / "graph.qh", full_ = folder_ / "full",
                    bare_ = folder_ / "bare";
};

TEST_F(ReportTest, HasEveryChartWithATitleAndAxesWithUnits) {
  const std::string page = Page();
  for (const char* title :
       {"Loss by epoch", "Training loss by step", "Accuracy by epoch", "Speed by epoch",
        "Time of a training step", "Time of an epoch", "Making batches, in the background",
        "Exchange of features between ranks", "Accuracy by degree", "Confusion of classes: full",
        "Nodes of each centroid", "Partitions: size and halo", "Partitions: cut",
        "What the configs differ in", "Machine and store"})
    EXPECT_THAT(page, HasSubstr(absl::StrCat("<b>", title, "</b>")));
  // Two axes a chart; each names a unit, but for those whose groups are names of their own.
  const std::regex axis("class='axis'[^>]*>([^<]*)<");
  int64_t num_axes = 0, num_charts = 0;
  for (std::sregex_iterator at(page.begin(), page.end(), axis), end; at != end; ++at) {
    ++num_axes;
    const std::string name = (*at)[1];
    EXPECT_TRUE(name.back() == ')' || name == "epoch" || name == "step" || name == "run" ||
                name == "stage")
        << name;
  }
  for (size_t at = page.find("<svg"); at != std::string::npos; at = page.find("<svg", at + 1))
    ++num_charts;
  EXPECT_GE(num_charts, 12);
  EXPECT_EQ(num_axes, 2 * num_charts);
}

TEST_F(ReportTest, FetchesNothingAndEscapesNames) {
  const std::string page = Page();
  for (const char* part : {"http", "src=", "@import", "url(", "<script", "n<1>"})
    EXPECT_THAT(page, Not(HasSubstr(part)));
  EXPECT_THAT(page, AllOf(HasSubstr("n&lt;1&gt; (2)"), HasSubstr("prefers-color-scheme: dark")));
}

TEST_F(ReportTest, ShowsTheNumbersOfTheRun) {
  const std::string page = Page();
  // 25 % of each 200 ms step is waited for samples. The process made half the steps of each epoch.
  EXPECT_THAT(page, HasSubstr("full, computing: 150<"));
  EXPECT_THAT(page, HasSubstr("full, waiting: sample: 50<"));
  EXPECT_THAT(page, HasSubstr("4-7, full: 0.875<"));
  EXPECT_THAT(page, HasSubstr("0 predicted as 1: 1 of 4 nodes"));
  EXPECT_THAT(page, HasSubstr("<td>25.0 %</td>"));
  EXPECT_THAT(page, HasSubstr("<td>train.seed</td><td>0</td><td>7</td>"));
}

TEST_F(ReportTest, SaysWhatARunDidNotRecord) {
  const std::string page = Page();
  EXPECT_THAT(page, AllOf(HasSubstr("Not recorded by bare."), HasSubstr("Not recorded: the run")));
  ASSERT_OK(RemoveFileIfPresent(store_ + "/store.textproto"));
  EXPECT_THAT(Page(), HasSubstr("not shown, since it cannot be read"));
}

TEST_F(ReportTest, RefusesWhatIsNoRunAndNamesADamagedLine) {
  const Outcome absent = Quadhop({"report", folder_ / "absent", "--out", folder_ / "x.html"});
  EXPECT_EQ(absent.code, ExitCode::kFailed);
  EXPECT_THAT(absent.err, HasSubstr("is not the folder of a run"));
  ASSERT_OK(WriteFileAtomically(RunMetricsPath(full_), "{\n{\"event\":\"step\"}\n"));
  const Outcome damaged = Quadhop({"report", full_, "--out", folder_ / "x.html"});
  EXPECT_EQ(damaged.code, ExitCode::kFailed);
  EXPECT_THAT(damaged.err, HasSubstr("metrics.jsonl line 1"));
}

TEST_F(ReportTest, OpensInChromium) {
  Page();
  const std::string out = folder_ / "dom.html";
  const int status = std::system(
      absl::StrCat("command -v chromium >/dev/null || exit 77; HOME=", folder_.path(),
                   " timeout 100 chromium --headless --no-sandbox --disable-gpu --dump-dom file://",
                   folder_ / "report.html", " >", out, " 2>", folder_ / "log.txt")
          .c_str());
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "chromium is not installed";
  ASSERT_EQ(WEXITSTATUS(status), 0) << ReadFile(folder_ / "log.txt").value();
  // What the browser made of the page, charts and all.
  EXPECT_THAT(ReadFile(out).value(),
              AllOf(HasSubstr("<h1>Comparison of 2 runs</h1>"), HasSubstr("<svg viewBox="),
                    HasSubstr("Machine and store"), HasSubstr("</main>")));
}

TEST(PartitionMap, CountsArcsBetweenPartitionsAndTheNodesAtTheirEnds) {
  const TempDir folder;
  TinyStoreOptions options;  // cliques of 6, joined by one edge
  options.partitions = 2;
  ASSERT_OK(WriteTinyStore(folder / "s.qh", options));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Store> store, Store::Open(folder / "s.qh"));
  ThreadPool pool(2);
  ASSERT_OK_AND_ASSIGN(const PartitionMap map, MapPartitions(*store, pool));
  ASSERT_EQ(map.quality.parts.size(), 2u);
  for (const PartFigures& part : map.quality.parts) {
    EXPECT_EQ(part.nodes, 6);
    EXPECT_EQ(part.arcs, 31);
    EXPECT_EQ(part.halo_nodes, 1);
  }
  EXPECT_THAT(map.cut, ElementsAre(ElementsAre(30, 1), ElementsAre(1, 30)));
}

TEST(NiceTicks, StandAtRoundValuesWithinTheRange) {
  EXPECT_THAT(NiceTicks(0, 10, 5), ElementsAre(0, 2, 4, 6, 8, 10));
  EXPECT_THAT(NiceTicks(0.5, 0.61, 5),
              ElementsAre(testing::DoubleNear(0.5, 1e-12), testing::DoubleNear(0.525, 1e-12),
                          testing::DoubleNear(0.55, 1e-12), testing::DoubleNear(0.575, 1e-12),
                          testing::DoubleNear(0.6, 1e-12)));
  EXPECT_THAT(NiceTicks(3, 3, 5), ElementsAre(3));
}

}  // namespace
}  // namespace quadhop
