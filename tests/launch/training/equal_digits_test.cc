// The first promise of DESIGN.md, seen from outside: where the graph is kept, how far ahead batches
// are made, and how many ranks there are change no digit of a run.
#include <absl/strings/str_cat.h>
#include <absl/strings/str_split.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/files/file.h"
#include "core/store/store.h"
#include "core/store/store_writer.h"
#include "launch/run/run_paths.h"
#include "tests/launch/quadhop_command.h"
#include "tests/support/graphs.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

using Arguments = std::vector<std::string>;

// Training and evaluation of two epochs on a graph of 7 partitions.
class EqualDigitsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TempDir>();
    const std::string store = *folder_ / "s.qh";
    for (const Arguments& step :
         {Arguments{"synth", "--nodes", "2400", "--degree", "6", "--features", "5", "--classes",
                    "4", "--to-store", "--out", store},
          Arguments{"partition", "--store", store, "--parts", "7"},
          Arguments{"encode", "--store", store, "--dim", "8"},
          Arguments{"propagate", "--store", store, "--dtype", "f16"}})
      ASSERT_EQ(Run(step), ExitCode::kDone) << step[0];
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static ExitCode Run(const Arguments& arguments, std::string* err = nullptr) {
    const Outcome outcome = Quadhop(arguments);
    EXPECT_EQ(outcome.code, ExitCode::kDone) << outcome.err;
    if (err != nullptr) *err = outcome.err;
    return outcome.code;
  }

  Arguments Train(const std::string& run, const Arguments& settings,
                  const std::string& store = *folder_ / "s.qh") const {
    Arguments arguments = {"train",      "--store", store, "--config",
                           "quickstart", "--run",   run,   "--overwrite"};
    for (const char* setting :
         {"train.epochs=2", "train.batch=32", "train.log_every_steps=1", "sampler.sampled_nodes=6",
          "model.width=8", "model.centroids=8", "train.replica_check_every_steps=1"})
      arguments.insert(arguments.end(), {"--set", setting});
    for (const std::string& setting : settings)
      arguments.insert(arguments.end(), {"--set", setting});
    return arguments;
  }

  // What a run has in metrics.jsonl that must not depend on how it was run.
  static std::vector<std::string> Digits(const std::string& run) {
    std::vector<std::string> digits;
    const absl::StatusOr<std::string> text = ReadFile(RunMetricsPath(run));
    EXPECT_OK(text);
    for (const absl::string_view line : absl::StrSplit(text.ok() ? *text : "", '\n')) {
      const nlohmann::json event = nlohmann::json::parse(std::string(line), nullptr, false);
      for (const char* name :
           {"loss", "train_loss", "valid_accuracy", "valid_loss", "test_accuracy", "test_loss"})
        if (event.contains(name)) digits.push_back(absl::StrCat(name, " ", event[name].dump()));
    }
    return digits;
  }

  static std::vector<std::string> DigitsOfThreads(int ranks, const Arguments& train,
                                                  std::string* err = nullptr) {
    Arguments arguments = train;
    arguments.insert(arguments.end(),
                     {"--ranks-in-process", absl::StrCat(ranks), "--threads", "1"});
    Run(arguments, err);
    return Digits(*std::next(std::find(train.begin(), train.end(), "--run")));
  }

  static std::unique_ptr<TempDir> folder_;
};
std::unique_ptr<TempDir> EqualDigitsTest::folder_;

const Arguments kMapped = {"sampler.feature_placement=MAPPED", "sampler.topology_placement=MAPPED"};

TEST_F(EqualDigitsTest, WhereverTheGraphIsKeptAndOnAnyNumberOfRanks) {
  const TempDir runs;
  const auto expected = DigitsOfThreads(1, Train(runs / "mapped", kMapped));
  ASSERT_THAT(expected, SizeIs(testing::Gt(10)));
  int number = 0;
  for (const auto& [ranks, settings] : std::vector<std::pair<int, Arguments>>{
           {3, kMapped},
           {1, {"sampler.feature_placement=PARTITIONED", "sampler.topology_placement=RESIDENT"}},
           {2, {"sampler.feature_placement=PARTITIONED", "sampler.hot_set_bytes=0"}},
           {3, {"sampler.feature_placement=PARTITIONED", "sampler.hot_set_bytes=5000"}},
           {4,
            {"sampler.feature_placement=PARTITIONED", "sampler.topology_placement=RESIDENT",
             "sampler.prefetch_steps=4"}},
           {7, {"sampler.feature_placement=PARTITIONED", "sampler.prefetch_steps=0"}},
           {2, {"sampler.feature_placement=PARTITIONED", "sampler.prefetch_steps=1"}}}) {
    const std::string run = runs / absl::StrCat("run", number++);
    EXPECT_EQ(DigitsOfThreads(ranks, Train(run, settings)), expected)
        << ranks << " ranks, run " << number - 1;
  }
}

// Gives the store parts of very unequal size: the second has no training node.
void CutUnequally(const std::string& path) {
  ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(path));
  ASSERT_OK_AND_ASSIGN(const auto split, store->split(""));
  const auto run = std::search_n(
      split.begin() + 1, split.end(), 5, SplitPart::kTrain,
      [](uint8_t part, SplitPart train) { return part != static_cast<uint8_t>(train); });
  const int64_t begin = run - split.begin();
  ASSERT_LT(begin, 800);
  ASSERT_OK_AND_ASSIGN(const auto writer, StoreWriter::Begin(path));
  auto* offsets = writer->manifest().mutable_partition_offsets();
  offsets->Clear();
  for (const int64_t offset : {int64_t{0}, begin, begin + 5, int64_t{900}, int64_t{901},
                               int64_t{1000}, int64_t{2390}, store->num_nodes()})
    offsets->Add(offset);
  Provenance step;
  step.set_step("partition");
  ThreadPool pool(1);
  ASSERT_OK(writer->Commit(step, pool));
}

TEST_F(EqualDigitsTest, OfPartitionsHoweverUnequal) {
  const TempDir runs;
  const std::string store = runs / "unequal.qh";
  std::filesystem::copy(*folder_ / "s.qh", store, std::filesystem::copy_options::recursive);
  ASSERT_NO_FATAL_FAILURE(CutUnequally(store));
  const auto expected = DigitsOfThreads(1, Train(runs / "1", kMapped, store));
  ASSERT_THAT(expected, SizeIs(testing::Gt(10)));
  std::string said;
  EXPECT_EQ(DigitsOfThreads(3, Train(runs / "3", kMapped, store), &said), expected);
  EXPECT_THAT(said, HasSubstr("7 partitions over 3 ranks, predicted efficiency 0."));
  EXPECT_EQ(DigitsOfThreads(7, Train(runs / "7", {"sampler.feature_placement=PARTITIONED"}, store)),
            expected);
}

TEST_F(EqualDigitsTest, OverProcessesToo) {
#ifndef QH_MPIEXEC
  GTEST_SKIP() << "built without MPI";
#else
  const TempDir runs;
  const auto expected = DigitsOfThreads(1, Train(runs / "mapped", kMapped));
  Arguments train = Train(runs / "processes",
                          {"sampler.feature_placement=PARTITIONED",
                           "sampler.topology_placement=RESIDENT", "sampler.prefetch_steps=3"});
  std::string command =
      absl::StrCat("OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 ",
                   "ASAN_OPTIONS=detect_leaks=0 ",  // Open MPI's
                   QH_MPIEXEC, " --oversubscribe --bind-to none -n 3 ", QH_PROGRAM);
  for (const std::string& argument : train) absl::StrAppend(&command, " ", argument);
  ASSERT_EQ(std::system((command + " --threads 1 >" + (runs / "log") + " 2>&1").c_str()), 0)
      << ReadFile(runs / "log").value_or("");
  EXPECT_EQ(Digits(runs / "processes"), expected);
#endif
}

TEST_F(EqualDigitsTest, PredictionsToo) {
  const TempDir runs;
  DigitsOfThreads(2, Train(runs / "run", {"sampler.feature_placement=PARTITIONED"}));
  for (const char* ranks : {"1", "3"})
    ASSERT_EQ(Run({"predict", "--run", runs / "run", "--out", runs / absl::StrCat(ranks, ".npy"),
                   "--ranks-in-process", ranks}),
              ExitCode::kDone);
  ASSERT_OK_AND_ASSIGN(const std::string one, ReadFile(runs / "1.npy"));
  ASSERT_OK_AND_ASSIGN(const std::string three, ReadFile(runs / "3.npy"));
  EXPECT_EQ(one, three);
}

}  // namespace
}  // namespace quadhop
