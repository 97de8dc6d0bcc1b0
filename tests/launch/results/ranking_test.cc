// How well a model of two classes ranks nodes, as train and eval say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/arrays/npy.h"
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

using testing::HasSubstr;

constexpr int64_t kNodes = 200;

SplitPart PartOf(int64_t v) { return v % 2 == 0 ? SplitPart::kTrain : SplitPart::kTest; }

// A store of two classes, of which every fifth node, with names or without, is of class `rare`.
void WriteStore(const std::string& path, int32_t rare, const std::vector<std::string>& names) {
  ASSERT_OK(WriteTinyStore(path, {.graph_nodes = kNodes, .partitions = 2, .classes = 2}));
  ASSERT_OK_AND_ASSIGN(const auto writer, StoreWriter::Begin(path));
  writer->manifest().clear_split_names();
  writer->manifest().add_split_names("a");
  for (const std::string& name : names) writer->manifest().add_class_names(name);
  ASSERT_OK_AND_ASSIGN(const auto parts, writer->AddArray("splits.npy", DType::kU8, {1, kNodes}));
  ASSERT_OK_AND_ASSIGN(const auto labels, writer->AddArray("labels.npy", DType::kI32, {kNodes}));
  for (int64_t v = 0; v < kNodes; ++v) {
    parts[static_cast<size_t>(v)] = static_cast<uint8_t>(PartOf(v));
    reinterpret_cast<int32_t*>(labels.data())[v] = v % 5 == 0 ? rare : 1 - rare;
  }
  Provenance step;
  step.set_step("import");
  step.set_options("again=1");
  ThreadPool pool(1);
  ASSERT_OK(writer->Commit(step, pool));
}

// From its definition, of the nodes of the test part. scores [N].
double AveragePrecision(const std::vector<float>& scores) {
  double sum = 0, positives = 0;
  for (int64_t v = 0; v < kNodes; ++v) {
    if (PartOf(v) != SplitPart::kTest || v % 5 != 0) continue;
    double above = 0, of_class = 0;
    for (int64_t u = 0; u < kNodes; ++u) {
      if (PartOf(u) != SplitPart::kTest ||
          scores[static_cast<size_t>(u)] < scores[static_cast<size_t>(v)])
        continue;
      ++above;
      of_class += u % 5 == 0;
    }
    sum += of_class / above;
    ++positives;
  }
  return sum / positives;
}

TEST(Ranking, IsOfTheClassThatIsRarerInTraining) {
  const TempDir folder;
  for (const int32_t rare : {0, 1}) {
    const std::string name = std::to_string(rare), store = folder / (name + ".qh");
    const std::string run = folder / ("run-" + name);
    WriteStore(store, rare,
               rare == 0 ? std::vector<std::string>{"fraud", "ok"} : std::vector<std::string>{});
    const Outcome trained = TrainTiny(store, run, /*epochs=*/3, {});
    ASSERT_EQ(trained.code, ExitCode::kDone) << trained.err;
    const std::string shown = rare == 0 ? "fraud" : "1";
    const nlohmann::json json =
        nlohmann::json::parse(Quadhop({"eval", "--run", run, "--json"}).out);
    EXPECT_EQ(json["ranked_class"], shown);
    EXPECT_EQ(nlohmann::json::parse(*ReadFile(RunSummaryPath(run)))["ranked_class"], shown);
    EXPECT_THAT(Quadhop({"eval", "--run", run}).out,
                HasSubstr("average precision (" + shown + ") 0."));
    const std::string probabilities = folder / (name + ".npy");
    ASSERT_EQ(Quadhop({"predict", "--run", run, "--probabilities", probabilities}).code,
              ExitCode::kDone);
    ASSERT_OK_AND_ASSIGN(const NpyFile file, NpyFile::Open(probabilities));
    std::vector<float> scores;
    for (int64_t v = 0; v < kNodes; ++v)
      scores.push_back(file.values<float>()[static_cast<size_t>(2 * (kNodes - 1 - v) + rare)]);
    EXPECT_NEAR(json["test_average_precision"].get<double>(), AveragePrecision(scores), 1e-6);
  }
}

}  // namespace
}  // namespace quadhop
