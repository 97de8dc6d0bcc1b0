#include "launch/training/repetitions.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <absl/strings/str_split.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/base/status.h"
#include "core/files/file.h"
#include "core/store/store_writer.h"
#include "core/threads/thread_pool.h"
#include "launch/json/json_fields.h"
#include "launch/run/repeated_runs.h"
#include "launch/run/run_paths.h"
#include "tests/launch/quadhop_command.h"
#include "tests/support/graphs.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// A store of 200 nodes with the splits "a" and "b".
class RepetitionsTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(WriteTinyStore(folder_ / "s.qh", {.graph_nodes = 200, .partitions = 2}));
  }

  Outcome Train(const std::string& run, const std::vector<std::string>& more) {
    return TrainTiny(folder_ / "s.qh", folder_ / run, /*epochs=*/1, more);
  }

  nlohmann::json Json(const std::string& name) {
    return nlohmann::json::parse(ReadFile(folder_ / name).value(), nullptr, false);
  }
  double FirstLoss(const std::string& run) {
    std::ifstream metrics(RunMetricsPath(folder_ / run));
    std::string line;
    std::getline(metrics, line);
    return nlohmann::json::parse(line, nullptr, false)["loss"].get<double>();
  }

  absl::Status LeaveNoTrainingNodes(int64_t split) {
    QH_ASSIGN_OR_RETURN(const std::unique_ptr<StoreWriter> writer,
                        StoreWriter::Begin(folder_ / "s.qh"));
    QH_ASSIGN_OR_RETURN(const absl::Span<uint8_t> parts,
                        writer->AddArrayOf<uint8_t>("splits.npy", {2, 200}));
    for (int64_t v = 0; v < 400; ++v)
      parts[static_cast<size_t>(v)] = v / 200 == split ? 3 : TinySplit(v % 200, v / 200);
    ThreadPool pool(1);
    return writer->Commit(Provenance(), pool);
  }

  TempDir folder_;
};

TEST_F(RepetitionsTest, OfSeedsAreRunsOfTheirOwnWithAMeanAndADeviation) {
  const Outcome outcome = Train("many", {"--seeds", "2", "--set", "train.seed=3"});
  ASSERT_EQ(outcome.code, ExitCode::kDone) << outcome.err;
  ASSERT_EQ(Train("one", {"--set", "train.seed=4"}).code, ExitCode::kDone);
  EXPECT_EQ(FirstLoss("many/seed-4"), FirstLoss("one"));
  EXPECT_NE(FirstLoss("many/seed-3"), FirstLoss("one"));
  const double first = Json("many/seed-3/summary.json")["test_accuracy"].get<double>();
  const double second = Json("many/seed-4/summary.json")["test_accuracy"].get<double>();
  const nlohmann::json all = Json("many/repetitions.json");
  EXPECT_DOUBLE_EQ(all["test_accuracy"]["mean"].get<double>(), (first + second) / 2);
  EXPECT_DOUBLE_EQ(all["test_accuracy"]["deviation"].get<double>(),
                   std::abs(first - second) / std::sqrt(2.0));
  EXPECT_THAT(outcome.out, HasSubstr("test_accuracy"));
}

TEST_F(RepetitionsTest, OfSplitsAndSeedsStandInFoldersOfBothAndResumeWhatIsLeft) {
  const std::vector<std::string> flags = {"--splits", "all", "--seeds", "2"};
  ASSERT_EQ(Train("all", flags).code, ExitCode::kDone);
  for (const char* run : {"a/seed-0", "a/seed-1", "b/seed-0", "b/seed-1"})
    EXPECT_TRUE(FileExists(RunSummaryPath(folder_ / ("all/split-" + std::string(run))))) << run;
  ASSERT_OK(RemoveFileIfPresent(RunSummaryPath(folder_ / "all/split-b/seed-0")));
  std::vector<std::string> resume = flags;
  resume.push_back("--resume");
  const Outcome resumed = Train("all", resume);
  EXPECT_EQ(resumed.code, ExitCode::kDone) << resumed.err;
  EXPECT_THAT(resumed.out + resumed.err, HasSubstr("split-b/seed-1 is finished after epoch"));
  EXPECT_TRUE(FileExists(RunSummaryPath(folder_ / "all/split-b/seed-0")));
}

TEST_F(RepetitionsTest, RunsOfAnotherConfigAreNotAveragedWithThese) {
  ASSERT_EQ(Train("many", {"--seeds", "1"}).code, ExitCode::kDone);
  const Outcome other =
      Train("many", {"--seeds", "2", "--resume", "--set", "train.learning_rate=0.05"});
  EXPECT_EQ(other.code, ExitCode::kFailed);
  EXPECT_THAT(other.err, HasSubstr("train.learning_rate"));
}

TEST_F(RepetitionsTest, CommandsOnARunNameOneOfThose) {
  ASSERT_EQ(Train("many", {"--splits", "all", "--seeds", "1"}).code, ExitCode::kDone);
  const std::string many = folder_ / "many";
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"inspect", many},
        {"verify", many},
        {"watch", many},
        {"eval", "--run", many},
        {"export", "--run", many, "--out", folder_ / "w.safetensors"}}) {
    const Outcome outcome = Quadhop(command);
    EXPECT_EQ(outcome.code, ExitCode::kFailed) << command[0];
    EXPECT_THAT(outcome.err, HasSubstr("name one of them, " + many + "/split-a/seed-0"));
  }
}

TEST_F(RepetitionsTest, AReportShowsAllOfThem) {
  ASSERT_EQ(Train("many", {"--splits", "all", "--seeds", "2"}).code, ExitCode::kDone);
  const std::string many = folder_ / "many", page = folder_ / "r.html";
  ASSERT_EQ(Quadhop({"report", many, "--out", page}).code, ExitCode::kDone);
  ASSERT_OK_AND_ASSIGN(const std::string text, ReadFile(page));
  for (const char* run : {"split-a/seed-0", "split-a/seed-1", "split-b/seed-0", "split-b/seed-1"})
    EXPECT_THAT(text, HasSubstr(run));
}

TEST_F(RepetitionsTest, AReportHasTheMeanAndTheDeviationOfThoseThatStandInOneFolder) {
  ASSERT_EQ(Train("many", {"--seeds", "3"}).code, ExitCode::kDone);
  ASSERT_EQ(Train("one", {}).code, ExitCode::kDone);
  const std::string many = folder_ / "many", page = folder_ / "r.html";
  ASSERT_EQ(
      Quadhop({"report", many + "/", many + "/../many/seed-1", folder_ / "one", "--out", page})
          .code,
      ExitCode::kDone);
  std::vector<double> of;
  for (const char* run : {"many/seed-0", "many/seed-1", "many/seed-2"})
    of.push_back(Json(std::string(run) + "/summary.json")["test_accuracy"].get<double>());
  const double mean = (of[0] + of[1] + of[2]) / 3;
  const double deviation =
      std::sqrt(((of[0] - mean) * (of[0] - mean) + (of[1] - mean) * (of[1] - mean) +
                 (of[2] - mean) * (of[2] - mean)) /
                2);
  ASSERT_GT(deviation, 0);
  ASSERT_OK_AND_ASSIGN(const std::string text, ReadFile(page));
  EXPECT_THAT(text, HasSubstr(absl::StrFormat("<td>many</td><td>3</td><td>%.4f ± %.4f</td>", mean,
                                              deviation)));
  ASSERT_EQ(Quadhop({"report", folder_ / "one", "--out", page}).code, ExitCode::kDone);
  EXPECT_THAT(ReadFile(page).value(), Not(HasSubstr("Over seeds and splits")));
}

TEST_F(RepetitionsTest, AreOfOneFolderHoweverItIsSpelled) {
  ASSERT_EQ(Train("many", {"--splits", "all", "--seeds", "1"}).code, ExitCode::kDone);
  const std::string many = std::filesystem::canonical(folder_ / "many").string();
  const std::string run = many + "/split-a/seed-0";
  EXPECT_EQ(FolderOfRuns(run), many);
  EXPECT_EQ(FolderOfRuns(run + "/"), many);
  EXPECT_EQ(FolderOfRuns(std::filesystem::relative(run).string()), many);
  EXPECT_EQ(FolderOfRuns(many), "");
}

TEST_F(RepetitionsTest, BeginFromTheSameWeightsWhenMoreSeedsAreAsked) {
  ASSERT_EQ(Train("source", {"--set", "train.seed=9"}).code, ExitCode::kDone);
  const std::string weights = folder_ / "m.safetensors", tuned = folder_ / "tuned";
  ASSERT_EQ(Quadhop({"export", "--run", folder_ / "source", "--out", weights}).code,
            ExitCode::kDone);
  ASSERT_EQ(Train("tuned", {"--seeds", "1", "--init", weights}).code, ExitCode::kDone);
  const Outcome more = Quadhop({"train", "--run", tuned, "--resume", "--seeds", "2"});
  ASSERT_EQ(more.code, ExitCode::kDone) << more.err;
  ASSERT_EQ(Train("direct", {"--init", weights, "--set", "train.seed=1"}).code, ExitCode::kDone);
  ASSERT_EQ(Train("fresh", {"--set", "train.seed=1"}).code, ExitCode::kDone);
  EXPECT_EQ(FirstLoss("tuned/seed-1"), FirstLoss("direct"));
  EXPECT_NE(FirstLoss("fresh"), FirstLoss("direct"));
  const auto inspected =
      nlohmann::json::parse(Quadhop({"inspect", tuned + "/seed-1", "--json"}).out);
  EXPECT_EQ(inspected["store"], folder_ / "s.qh");
  EXPECT_EQ(inspected["split"], "a");
  EXPECT_EQ(inspected["init"], weights);
  EXPECT_THAT(Quadhop({"inspect", tuned + "/seed-1"}).out,
              HasSubstr("  split: a\n  initial weights: " + weights));

  ASSERT_EQ(Quadhop({"export", "--run", folder_ / "fresh", "--out", weights}).code,
            ExitCode::kDone);
  EXPECT_THAT(Quadhop({"train", "--run", tuned, "--resume", "--seeds", "3"}).err,
              AllOf(HasSubstr("seed-0 began from " + weights), HasSubstr("bytes have changed")));
  ASSERT_OK(RemoveFileIfPresent(weights));
  EXPECT_EQ(Quadhop({"train", "--run", tuned, "--resume", "--seeds", "2"}).code, ExitCode::kDone);
}

TEST_F(RepetitionsTest, OfWhichOneWasTrainedLongerAreNotAveraged) {
  ASSERT_EQ(Train("many", {"--seeds", "2"}).code, ExitCode::kDone);
  const Outcome longer =
      Quadhop({"train", "--run", folder_ / "many/seed-1", "--resume", "--set", "train.epochs=2"});
  ASSERT_EQ(longer.code, ExitCode::kDone) << longer.err;
  const Outcome all = Train("many", {"--seeds", "2", "--resume"});
  EXPECT_EQ(all.code, ExitCode::kFailed);
  EXPECT_THAT(all.err, HasSubstr("seed-1 was trained for up to 2 epochs, but now it is 1: give "
                                 "--set train.epochs=2"));
  EXPECT_EQ(Train("many", {"--seeds", "2", "--overwrite"}).code, ExitCode::kDone);
}

TEST_F(RepetitionsTest, AReportSaysInWhatTheirDataDiffer) {
  ASSERT_EQ(Train("many", {"--splits", "all"}).code, ExitCode::kDone);
  const std::string page = folder_ / "r.html";
  ASSERT_EQ(Quadhop({"report", folder_ / "many", "--out", page}).code, ExitCode::kDone);
  EXPECT_THAT(ReadFile(page).value(), AllOf(HasSubstr("What the data differ in"),
                                            HasSubstr("<td>split</td><td>a</td><td>b</td>"),
                                            Not(HasSubstr("<td>store checksum</td>"))));
}

TEST_F(RepetitionsTest, BeginNoneIfOneOfTheirSplitsCannotBeTrainedOn) {
  ASSERT_OK(LeaveNoTrainingNodes(1));  // in split "a", the second to be trained on
  const Outcome outcome = Train("all", {"--splits", "all"});
  EXPECT_EQ(outcome.code, ExitCode::kFailed);
  EXPECT_THAT(outcome.err, HasSubstr("split a of"));
  EXPECT_FALSE(FileExists(folder_ / "all"));
}

TEST_F(RepetitionsTest, WithoutResumeRunsThatAreThereAreRefused) {
  ASSERT_EQ(Train("twice", {"--seeds", "1"}).code, ExitCode::kDone);
  const Outcome again = Train("twice", {"--seeds", "1"});
  EXPECT_EQ(again.code, ExitCode::kFailed);
  EXPECT_THAT(again.err, HasSubstr("twice/seed-0 holds a finished run"));
}

TEST_F(RepetitionsTest, ARunAndRunsOverSeedsDoNotShareAFolder) {
  ASSERT_EQ(Train("one", {}).code, ExitCode::kDone);
  const Outcome seeds = Train("one", {"--seeds", "2", "--overwrite"});
  EXPECT_EQ(seeds.code, ExitCode::kFailed);
  EXPECT_THAT(seeds.err, HasSubstr("one is the folder of a run"));
  ASSERT_EQ(Train("many", {"--seeds", "1"}).code, ExitCode::kDone);
  EXPECT_EQ(Train("many", {"--overwrite"}).code, ExitCode::kFailed);
  EXPECT_EQ(Train("s.qh", {"--seeds", "1"}).code, ExitCode::kFailed);
}

TEST_F(RepetitionsTest, OverSeedsAndOverSplitsDoNotShareAFolder) {
  const std::vector<std::vector<std::string>> kinds = {
      {"--seeds", "1"}, {"--splits", "all"}, {"--splits", "all", "--seeds", "1"}};
  for (size_t before = 0; before < kinds.size(); ++before) {
    const std::string run = absl::StrCat("many-", before);
    ASSERT_EQ(Train(run, kinds[before]).code, ExitCode::kDone);
    for (size_t now = 0; now < kinds.size(); ++now) {
      if (now == before) continue;
      std::vector<std::string> flags = kinds[now];
      flags.push_back("--resume");
      const Outcome outcome = Train(run, flags);
      EXPECT_EQ(outcome.code, ExitCode::kFailed) << before << ", then " << now;
      EXPECT_THAT(outcome.err, HasSubstr("--run")) << before << ", then " << now;
    }
  }
}

TEST_F(RepetitionsTest, OneRunHasNoDeviation) {
  const Outcome outcome = Train("many", {"--seeds", "1"});
  ASSERT_EQ(outcome.code, ExitCode::kDone) << outcome.err;
  EXPECT_THAT(outcome.out, testing::Not(HasSubstr("nan")));
  EXPECT_THAT(outcome.out, HasSubstr("of 1 run\n"));
  EXPECT_TRUE(Json("many/repetitions.json")["test_accuracy"]["deviation"].is_null());
}

TEST_F(RepetitionsTest, AskedToStopSayHowAllOfThemAreCarriedOn) {
  const Outcome stopped =
      Train("r", {"--seeds", "2", "--set", "train.fail_at.point=EVALUATION", "--set",
                  "train.fail_at.fault=TERM", "--set", "train.fail_at.step=1"});
  EXPECT_EQ(stopped.code, ExitCode::kResumable) << stopped.err;
  EXPECT_THAT(stopped.err,
              HasSubstr("that was run 1 of 2: give --resume the same --seeds and --splits"));
}

TEST_F(RepetitionsTest, CarriedOnWithFewerSeedsThoseBeforeStillCount) {
  ASSERT_EQ(Train("many", {"--seeds", "3"}).code, ExitCode::kDone);
  const nlohmann::json before = Json("many/repetitions.json");
  ASSERT_EQ(Train("many", {"--seeds", "1", "--resume"}).code, ExitCode::kDone);
  EXPECT_EQ(Json("many/repetitions.json"), before);
}

TEST_F(RepetitionsTest, CarriedOnInACopyOfTheirFolderCountOnce) {
  ASSERT_EQ(Train("many", {"--seeds", "2"}).code, ExitCode::kDone);
  std::filesystem::copy(
      std::string(folder_ / "many"), std::string(folder_ / "copy"),
      std::filesystem::copy_options::recursive | std::filesystem::copy_options::copy_symlinks);
  ASSERT_EQ(Train("copy", {"--seeds", "11", "--resume"}).code, ExitCode::kDone);
  const nlohmann::json copy = Json("copy/repetitions.json");
  ASSERT_EQ(copy["runs"].size(), 11u);
  EXPECT_EQ(copy["runs"][9], "seed-9");
  EXPECT_EQ(copy["runs"][10], "seed-10");
  EXPECT_EQ(copy["test_accuracy"]["values"].size(), 11u);
}

TEST_F(RepetitionsTest, CarriedOnWithOtherSeedsAreOfTheSameConfigAndStore) {
  ASSERT_EQ(Train("many", {"--seeds", "1"}).code, ExitCode::kDone);
  const std::vector<std::string> other_seed = {"--seeds", "1", "--resume", "--set", "train.seed=7"};
  std::vector<std::string> other_model = other_seed;
  other_model.insert(other_model.end(), {"--set", "model.width=24"});
  const Outcome refused = Train("many", other_model);
  EXPECT_EQ(refused.code, ExitCode::kFailed);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("many/seed-0"), HasSubstr("model.width")));
  EXPECT_FALSE(FileExists(folder_ / "many/seed-7"));
  // Also where nothing is carried on yet: what is refused later must not begin.
  for (const std::vector<std::string>& other : std::vector<std::vector<std::string>>{
           {"--set", "model.width=24"}, {"--set", "train.epochs=2"}, {"--split", "b"}}) {
    std::vector<std::string> flags = {"--seeds", "1", "--set", "train.seed=7"};
    flags.insert(flags.end(), other.begin(), other.end());
    EXPECT_EQ(Train("many", flags).code, ExitCode::kFailed) << other[1];
    EXPECT_FALSE(FileExists(folder_ / "many/seed-7")) << other[1];
  }
  std::filesystem::copy(std::string(folder_ / "many/seed-0"),
                        std::string(folder_ / "many/seed-0.old"),
                        std::filesystem::copy_options::recursive);
  ASSERT_EQ(Train("many", other_seed).code, ExitCode::kDone);
  EXPECT_EQ(Json("many/repetitions.json")["runs"].size(), 2u);

  std::filesystem::remove_all(std::string(folder_ / "s.qh"));
  ASSERT_OK(WriteTinyStore(folder_ / "s.qh", {.graph_nodes = 100, .partitions = 2}));
  const Outcome other_store = Train("many", {"--seeds", "1", "--resume", "--set", "train.seed=8"});
  EXPECT_EQ(other_store.code, ExitCode::kFailed);
  EXPECT_THAT(other_store.err, AllOf(HasSubstr("many/seed-0"), HasSubstr("store with checksum")));
}

TEST_F(RepetitionsTest, OfAnotherSplitAreToldWhateverTheirFoldersAreCalled) {
  ASSERT_EQ(Train("split-study/many", {"--seeds", "1"}).code, ExitCode::kDone);
  const Outcome other =
      Train("split-study/many", {"--seeds", "1", "--set", "train.seed=7", "--split", "b"});
  EXPECT_EQ(other.code, ExitCode::kFailed);
  EXPECT_THAT(other.err, HasSubstr("it was trained on split a, but now it is b"));
}

TEST_F(RepetitionsTest, LogAsJsonLeavesStdoutToTheLinesOfMetrics) {
  const Outcome outcome = Train("json", {"--log", "json"});
  ASSERT_EQ(outcome.code, ExitCode::kDone) << outcome.err;
  EXPECT_EQ(outcome.out, ReadFile(RunMetricsPath(folder_ / "json")).value());
}

TEST_F(RepetitionsTest, LinesOfSeveralRunsSayWhichTheyAreOf) {
  const Outcome outcome = Train("json", {"--log", "json", "--splits", "all", "--seeds", "1"});
  ASSERT_EQ(outcome.code, ExitCode::kDone) << outcome.err;
  std::vector<std::string> runs;
  for (const absl::string_view line : absl::StrSplit(outcome.out, '\n', absl::SkipEmpty())) {
    const std::string run = ParseJson(line).value("run", "");
    if (runs.empty() || runs.back() != run) runs.push_back(run);
  }
  EXPECT_THAT(runs, testing::UnorderedElementsAre("split-a/seed-0", "split-b/seed-0"));
}

}  // namespace
}  // namespace quadhop
