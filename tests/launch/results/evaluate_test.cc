// What train evaluates, and which split, which checkpoint and which store eval, predict and export
// take, seen from the command line.
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/arrays/npy.h"
#include "core/files/file.h"
#include "core/store/store.h"
#include "core/store/store_writer.h"
#include "launch/run/checkpoint_folder.h"
#include "launch/run/run_paths.h"
#include "model/checkpoint/checkpoint_parts.h"
#include "tests/launch/quadhop_command.h"
#include "tests/support/graphs.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

constexpr int64_t kNodes = 200;

// A store of 200 nodes in 2 partitions with the splits "a" and "b".
class EvaluateTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(WriteTinyStore(store_, {.graph_nodes = kNodes, .partitions = 2}));
  }

  // Gives node v the part part(v) of split "a".
  void SetSplit(const std::function<SplitPart(int64_t)>& part) {
    ASSERT_OK_AND_ASSIGN(const auto writer, StoreWriter::Begin(store_));
    writer->manifest().clear_split_names();
    writer->manifest().add_split_names("a");
    ASSERT_OK_AND_ASSIGN(const auto bytes, writer->AddArray("splits.npy", DType::kU8, {1, kNodes}));
    for (int64_t v = 0; v < kNodes; ++v)
      bytes[static_cast<size_t>(v)] = static_cast<uint8_t>(part(v));
    Commit(*writer);
  }
  void SetLabels(const std::function<int32_t(int64_t)>& label) {
    ASSERT_OK_AND_ASSIGN(const auto writer, StoreWriter::Begin(store_));
    ASSERT_OK_AND_ASSIGN(const auto bytes, writer->AddArray("labels.npy", DType::kI32, {kNodes}));
    for (int64_t v = 0; v < kNodes; ++v) reinterpret_cast<int32_t*>(bytes.data())[v] = label(v);
    Commit(*writer);
  }
  // The store as another `import` would leave it.
  void Commit(StoreWriter& writer, const std::string& options = "again=1") {
    Provenance step;
    step.set_step("import");
    step.set_options(options);
    ThreadPool pool(1);
    ASSERT_OK(writer.Commit(step, pool));
  }

  // Of several labels a node, beside the other store.
  std::string MultiLabelStore() {
    EXPECT_OK(WriteTinyStore(folder_ / "labels.qh",
                             {.graph_nodes = kNodes, .partitions = 2, .multi_label = true}));
    return folder_ / "labels.qh";
  }

  Outcome Train(const std::string& run, const std::vector<std::string>& more = {}) {
    return TrainTiny(store_, folder_ / run, /*epochs=*/2, more);
  }
  Outcome On(const std::string& command, const std::string& run,
             const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {command, "--run", folder_ / run};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Quadhop(arguments);
  }
  nlohmann::json Summary(const std::string& run) {
    return nlohmann::json::parse(ReadFile(RunSummaryPath(folder_ / run)).value(), nullptr, false);
  }

  // Of the epochs of a run.
  std::vector<nlohmann::json> Epochs(const std::string& run) {
    std::vector<nlohmann::json> epochs;
    std::ifstream metrics(RunMetricsPath(folder_ / run));
    for (std::string line; std::getline(metrics, line);) {
      nlohmann::json event = nlohmann::json::parse(line, nullptr, false);
      if (event["event"] == "epoch") epochs.push_back(event);
    }
    return epochs;
  }

  TempDir folder_;
  const std::string store_ = folder_ / "s.qh";
};

TEST_F(EvaluateTest, TestNodesMayBeEvaluatedWhereValidationIsBetterOnly) {
  ASSERT_EQ(TrainTiny(store_, folder_ / "always", 8, {}).code, ExitCode::kDone);
  ASSERT_EQ(
      TrainTiny(store_, folder_ / "better", 8, {"--set", "train.evaluate_test=WHEN_BETTER"}).code,
      ExitCode::kDone);
  const std::vector<nlohmann::json> always = Epochs("always"), better = Epochs("better");
  ASSERT_EQ(always.size(), 8);
  ASSERT_EQ(better.size(), 8);
  double best = -1;
  int left_out = 0;
  for (size_t i = 0; i < always.size(); ++i) {
    const double valid = always[i]["valid_accuracy"].get<double>();
    EXPECT_EQ(better[i]["valid_accuracy"].get<double>(), valid);
    EXPECT_EQ(better[i].contains("test_accuracy"), valid >= best);
    if (valid >= best) {
      EXPECT_EQ(better[i]["test_accuracy"], always[i]["test_accuracy"]);
    } else {
      ++left_out;
    }
    best = std::max(best, valid);
  }
  EXPECT_GT(left_out, 0);
  for (const char* field : {"test_accuracy", "valid_accuracy", "best_epoch"})
    EXPECT_EQ(Summary("better")[field], Summary("always")[field]);
  EXPECT_EQ(ReadFile(folder_ / "better/evaluation.json").value(),
            ReadFile(folder_ / "always/evaluation.json").value());
}

// A model that stays as it was drawn: all its epochs are equal.
const std::vector<std::string> kStandstill = {
    "--set", "model.conv=NONE",          "--set", "model.norm=LAYER_NORM",
    "--set", "train.learning_rate=1e-9", "--set", "train.evaluate_test=WHEN_BETTER"};

TEST_F(EvaluateTest, OfEqualEpochsTheLastIsTheBest) {
  ASSERT_EQ(Train("run", kStandstill).code, ExitCode::kDone);
  std::vector<std::string> further = kStandstill;
  further.push_back("--resume");
  ASSERT_EQ(TrainTiny(store_, folder_ / "run", /*epochs=*/4, further).code, ExitCode::kDone);
  for (const nlohmann::json& epoch : Epochs("run")) {
    EXPECT_EQ(epoch["valid_accuracy"], Epochs("run")[0]["valid_accuracy"]);
    EXPECT_TRUE(epoch.contains("test_accuracy"));
  }
  EXPECT_EQ(Summary("run")["best_epoch"], 4);
  EXPECT_EQ(Summary("run")["best_checkpoint_epoch"], 4);
  EXPECT_EQ(nlohmann::json::parse(ReadFile(folder_ / "run/evaluation.json").value())["epoch"], 4);
}

TEST_F(EvaluateTest, AModelThatSaysOneClassOfAllNodesIsToldAndShownBesideThatClassAlone) {
  SetLabels([](int64_t v) { return v < 180 ? 2 : 1; });
  SetSplit([](int64_t v) {
    return v % 4 < 2 ? SplitPart::kTrain : v % 4 == 2 ? SplitPart::kValid : SplitPart::kTest;
  });
  const Outcome trained = Train("run", {"--ranks-in-process", "2"});
  ASSERT_EQ(trained.code, ExitCode::kDone) << trained.err;
  EXPECT_THAT(trained.out,
              AllOf(HasSubstr("test 0.9000 at"),
                    HasSubstr("(2 of 2); the most frequent class alone: 0.9000;"),
                    HasSubstr("the best model predicts the same class for every validation node"),
                    HasSubstr("train.class_weights=BALANCED"), Not(HasSubstr("ROC_AUC"))));
  EXPECT_EQ(Summary("run")["majority_class_test_accuracy"], 0.9);
  const char* const shown = "the most frequent class alone: test accuracy 0.9000\n";
  EXPECT_THAT(Quadhop({"inspect", store_}).out, HasSubstr(shown));
  EXPECT_THAT(On("eval", "run").out, HasSubstr(shown));
  EXPECT_THAT(On("eval", "run", {"--json"}).out, HasSubstr("\"majority_class_test_accuracy\":0.9"));
}

TEST_F(EvaluateTest, WeightsForARareClassAreSaidToNeedAnotherMetric) {
  SetLabels([](int64_t v) { return v % 10 == 0 ? 1 : 0; });
  const char* const said = "chosen by accuracy, which prefers the frequent one";
  const std::vector<std::string> balanced = {"--set", "train.class_weights=BALANCED"};
  EXPECT_THAT(Train("run", balanced).out, HasSubstr(said));
  std::vector<std::string> by_area = balanced;
  by_area.insert(by_area.end(), {"--set", "train.select_by=ROC_AUC"});
  EXPECT_THAT(Train("area", by_area).out, Not(HasSubstr(said)));
  SetLabels([](int64_t v) { return v % 2; });
  EXPECT_THAT(Train("even", balanced).out, Not(HasSubstr(said)));
}

TEST_F(EvaluateTest, AModelThatGivesNoNodeALabelIsTold) {
  const std::string path = MultiLabelStore();
  const int64_t classes = TinyStoreOptions().classes;
  {
    ASSERT_OK_AND_ASSIGN(const auto writer, StoreWriter::Begin(path));
    ASSERT_OK_AND_ASSIGN(const auto labels,
                         writer->AddArray("labels.npy", DType::kU8, {kNodes, classes}));
    for (size_t i = 0; i < labels.size(); ++i) labels[i] = i % 16 == 0;
    Commit(*writer);
  }
  const Outcome outcome =
      TrainTiny(path, folder_ / "run", /*epochs=*/6,
                {"--set", "train.loss=BINARY", "--set", "train.learning_rate=0.02"});
  EXPECT_EQ(Epochs("run").back()["valid_micro_f1"], 0);
  EXPECT_THAT(outcome.out, HasSubstr("gets no label of any validation node right (F1 0)"));
}

TEST_F(EvaluateTest, PatienceEndsWithEqualEpochs) {
  std::vector<std::string> patient = kStandstill;
  patient.insert(patient.end(), {"--set", "train.patience=2"});
  const Outcome outcome = TrainTiny(store_, folder_ / "run", /*epochs=*/8, patient);
  ASSERT_EQ(outcome.code, ExitCode::kDone) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("ended after epoch 3 of 8"),
                                 Not(HasSubstr("the best epoch is the last"))));
  EXPECT_EQ(Summary("run")["best_epoch"], 3);
}

TEST_F(EvaluateTest, MeasuresTheSplitThatTheRunWasTrainedOn) {
  ASSERT_EQ(Train("run", {"--split", "b"}).code, ExitCode::kDone);
  const Outcome json = On("eval", "run", {"--json"});
  ASSERT_EQ(json.code, ExitCode::kDone) << json.err;
  const nlohmann::json measured = nlohmann::json::parse(json.out, nullptr, false);
  EXPECT_EQ(measured["split"], "b");
  EXPECT_EQ(measured["test_accuracy"], Summary("run")["test_accuracy"]);
  EXPECT_THAT(On("eval", "run").out, HasSubstr("split b of "));
  EXPECT_THAT(On("eval", "run", {"--split", "a"}).out, HasSubstr("split a of "));
}

// The share of pairs of a positive and another node that scores order rightly, the mean of the
// columns that have such.
double PairsInOrder(TensorView<const float> scores, const std::vector<int64_t>& nodes) {
  double sum = 0, columns = 0;
  for (int64_t c = 0; c < scores.dim(1); ++c) {
    double right = 0, pairs = 0;
    for (const int64_t positive : nodes) {
      for (const int64_t other : nodes) {
        if (TinyMultiLabel(positive, c) <= TinyMultiLabel(other, c)) continue;
        const float more = scores.row(kNodes - 1 - positive)[c],
                    less = scores.row(kNodes - 1 - other)[c];
        right += more > less ? 1 : more == less ? 0.5 : 0;
        ++pairs;
      }
    }
    if (pairs == 0) continue;
    sum += right / pairs;
    ++columns;
  }
  return sum / columns;
}

TEST_F(EvaluateTest, SelectsByTheMeanAreaUnderTheCurvesOfLabels) {
  const Outcome trained = TrainTiny(MultiLabelStore(), folder_ / "run", 8,
                                    {"--set", "train.loss=BINARY", "--set",
                                     "train.select_by=ROC_AUC", "--ranks-in-process", "2"});
  ASSERT_EQ(trained.code, ExitCode::kDone) << trained.err;
  EXPECT_THAT(trained.out, AllOf(HasSubstr("  valid ROC AUC 0."), HasSubstr("  test 0."),
                                 HasSubstr("test ROC AUC 0.")));
  const std::vector<nlohmann::json> epochs = Epochs("run");
  const auto best =
      std::max_element(epochs.begin(), epochs.end(), [](const auto& a, const auto& b) {
        return a["valid_roc_auc"].template get<double>() <
               b["valid_roc_auc"].template get<double>();
      });
  const nlohmann::json summary = Summary("run");
  EXPECT_EQ(summary["best_epoch"], best - epochs.begin() + 1);
  EXPECT_EQ(summary["test_roc_auc"], (*best)["test_roc_auc"]);
  EXPECT_EQ(nlohmann::json::parse(On("eval", "run", {"--json"}).out)["test_roc_auc"],
            summary["test_roc_auc"]);
  EXPECT_THAT(On("eval", "run").out,
              AllOf(HasSubstr("ROC AUC"), Not(HasSubstr("most frequent class"))));

  ASSERT_EQ(On("predict", "run", {"--probabilities", folder_ / "p.npy"}).code, ExitCode::kDone);
  ASSERT_OK_AND_ASSIGN(const NpyFile probabilities, NpyFile::Open(folder_ / "p.npy"));
  std::vector<int64_t> test_nodes;
  for (int64_t v = 0; v < kNodes; ++v)
    if (TinySplit(v, /*split_index=*/1) == static_cast<uint8_t>(SplitPart::kTest))
      test_nodes.push_back(v);
  EXPECT_NEAR(
      summary["test_roc_auc"].get<double>(),
      PairsInOrder({probabilities.values<float>().data(), {kNodes, TinyStoreOptions().classes}},
                   test_nodes),
      1e-4);
}

TEST_F(EvaluateTest, NamesAMetricThatIsNotAccuracy) {
  const Outcome labels =
      TrainTiny(MultiLabelStore(), folder_ / "labels", 1, {"--set", "train.loss=BINARY"});
  ASSERT_EQ(labels.code, ExitCode::kDone) << labels.err;
  EXPECT_THAT(labels.out, AllOf(HasSubstr("  valid micro F1 0."), HasSubstr("\ntest micro F1 0.")));
  EXPECT_THAT(Train("run").out, AllOf(HasSubstr("  valid 0."), HasSubstr("\ntest 0.")));
}

TEST_F(EvaluateTest, RefusesLabelsOfAnotherKindThanTheModels) {
  ASSERT_EQ(Train("run").code, ExitCode::kDone);
  const Outcome refused = On("eval", "run", {"--store", MultiLabelStore()});
  EXPECT_EQ(refused.code, ExitCode::kFailed);
  EXPECT_THAT(refused.err,
              AllOf(HasSubstr("has 3 columns of labels"),
                    HasSubstr("the model was trained on 3 classes"), Not(HasSubstr("train.loss"))));
  const Outcome predicted =
      On("predict", "run", {"--store", MultiLabelStore(), "--out", folder_ / "p.npy"});
  EXPECT_EQ(predicted.code, ExitCode::kDone) << predicted.err;
}

TEST_F(EvaluateTest, SaysThatMoreEpochsMayBeBetterWhereTheLastIsTheBest) {
  const char* const more = "the best epoch is the last: more epochs (train.epochs) may be better";
  EXPECT_THAT(TrainTiny(MultiLabelStore(), folder_ / "one", /*epochs=*/1,
                        {"--set", "train.loss=BINARY", "--set", "train.select_by=ROC_AUC"})
                  .out,
              HasSubstr(more));
  // With this rate and seed the first of two epochs is the best.
  EXPECT_THAT(
      Train("two", {"--set", "train.learning_rate=1", "--set", "model.head_features=false"}).out,
      AllOf(HasSubstr("(1 of 2)"), Not(HasSubstr(more))));
}

TEST_F(EvaluateTest, ShortTrainingIsWarnedOf) {
  SetSplit([](int64_t v) { return v < 100 ? SplitPart::kTrain : SplitPart::kValid; });
  const Outcome is_short = Train("short", {"--set", "model.centroids=50"});
  EXPECT_THAT(is_short.out, AllOf(HasSubstr("14 steps in all (2 epochs of 7): few for a model"),
                                  HasSubstr("the codebook will start in epoch 2 of 2: 50 "
                                            "centroids are chosen from 200 queries")));
  EXPECT_THAT(Train("warm", {"--set", "train.warmup_steps=15"}).out,
              HasSubstr("train.warmup_steps is 15, but the run has only 14 steps"));
  const Outcome none = Train("none", {"--set", "model.centroids=51"});
  EXPECT_THAT(none.out, HasSubstr("the codebook will not start: 51 centroids"));
  // As soon as half of the epochs are over.
  const Outcome longer = TrainTiny(store_, folder_ / "longer", /*epochs=*/4,
                                   {"--set", "model.centroids=50", "--set", "train.batch=4"});
  EXPECT_THAT(longer.out, AllOf(Not(HasSubstr("steps in all")), Not(HasSubstr("the codebook"))));
}

TEST_F(EvaluateTest, WideFeaturesAreSaidToTakeTime) {
  const auto train_on = [&](int32_t features) {
    const std::string path = folder_ / absl::StrCat(features, ".qh");
    EXPECT_OK(WriteTinyStore(path, {.graph_nodes = 40, .features = features}));
    return TrainTiny(path, folder_ / absl::StrCat(features), /*epochs=*/1, {}).out;
  };
  EXPECT_THAT(train_on(600), HasSubstr("600 features: to map them to width"));
  EXPECT_THAT(train_on(500), Not(HasSubstr("to map them")));
}

TEST_F(EvaluateTest, TheSplitOfAnotherStoreIsSaidToHoldWhatMayHaveBeenTrainedOn) {
  ASSERT_EQ(Train("run").code, ExitCode::kDone);
  ASSERT_OK(WriteTinyStore(folder_ / "grown.qh", {.graph_nodes = kNodes + 10, .partitions = 2}));
  EXPECT_THAT(On("eval", "run", {"--store", folder_ / "grown.qh"}).err,
              HasSubstr("may be among those that the model was trained on"));
  EXPECT_THAT(On("eval", "run").err, Not(HasSubstr("may be among those")));
}

TEST_F(EvaluateTest, ClassesThatCannotBeLearnedAreNamed) {
  EXPECT_THAT(Train("all").out, Not(HasSubstr("has no training nodes of")));
  ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(store_));
  ASSERT_OK_AND_ASSIGN(const auto labels, store->labels());
  const std::vector<int32_t> of_node(labels.begin(), labels.end());
  SetSplit([&](int64_t v) {
    return of_node[static_cast<size_t>(v)] == 1 ? SplitPart::kTest
           : v % 2 == 0                         ? SplitPart::kTrain
                                                : SplitPart::kValid;
  });
  const auto nodes = std::count(of_node.begin(), of_node.end(), 1);
  EXPECT_THAT(Train("lacking").out,
              HasSubstr(absl::StrCat("split a has no training nodes of 1 of 3 classes (1): the "
                                     "model cannot be right about ",
                                     nodes, " nodes")));
}

TEST_F(EvaluateTest, NodesOfAPartThatIsNoneAreLeftOut) {
  SetSplit([](int64_t v) {
    return v == 3 ? static_cast<SplitPart>(65) : v % 2 == 0 ? SplitPart::kTrain : SplitPart::kValid;
  });
  const Outcome trained = Train("run");
  EXPECT_EQ(trained.code, ExitCode::kDone) << trained.err;
  EXPECT_THAT(trained.out, Not(HasSubstr("has no training nodes of")));
}

TEST_F(EvaluateTest, ATrainingThatDivergesIsSaidToOnce) {
  const Outcome outcome = TrainTiny(store_, folder_ / "wild", /*epochs=*/4,
                                    {"--set", "train.learning_rate=10", "--set",
                                     "model.norm=NO_NORM", "--set", "model.head_features=false"});
  const size_t said = outcome.out.find("the training diverges: its loss is ");
  ASSERT_NE(said, std::string::npos) << outcome.out;
  EXPECT_EQ(outcome.out.find("diverges", said + 20), std::string::npos);
  EXPECT_THAT(outcome.out,
              AllOf(HasSubstr("where guessing gives 1.0986; lower train.learning_rate"),
                    Not(HasSubstr("predicts the same class")), Not(HasSubstr("may be better"))));
  EXPECT_THAT(Train("tame").out, Not(HasSubstr("diverges")));
}

TEST_F(EvaluateTest, RefusesToSelectByTheAreaUnderTheCurveOfThreeClasses) {
  const Outcome outcome = Train("run", {"--set", "train.select_by=ROC_AUC"});
  EXPECT_EQ(outcome.code, ExitCode::kFailed);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("train.select_by"), HasSubstr("3 classes")));
}

TEST_F(EvaluateTest, SaysThatValidationNodesOfOneClassHaveNoAreaUnderTheCurve) {
  TinyStoreOptions options;
  options.graph_nodes = kNodes;
  options.partitions = 2;
  options.classes = 2;  // by turns
  ASSERT_OK(WriteTinyStore(store_, options));
  SetSplit([](int64_t v) {
    return v % 4 < 2 ? SplitPart::kTrain : v % 2 == 0 ? SplitPart::kValid : SplitPart::kTest;
  });
  const Outcome outcome = Train("run", {"--set", "train.select_by=ROC_AUC"});
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("of split a"), HasSubstr("no label has both values")));
  EXPECT_FALSE(FileExists(folder_ / "run")) << "before anything is trained";
}

TEST_F(EvaluateTest, ExportRefusesAStoreWhoseNodesMayStandInAnotherOrder) {
  ASSERT_EQ(Train("run").code, ExitCode::kDone);
  ASSERT_EQ(Train("local", {"--set", "model.conv=LOCAL"}).code, ExitCode::kDone);
  ASSERT_OK_AND_ASSIGN(const auto writer, StoreWriter::Begin(store_));
  ASSERT_OK_AND_ASSIGN(const auto bytes,
                       writer->AddArray("original_ids.npy", DType::kI64, {kNodes}));
  for (int64_t v = 0; v < kNodes; ++v) reinterpret_cast<int64_t*>(bytes.data())[v] = v;
  Commit(*writer);
  const Outcome refused = On("export", "run", {"--out", folder_ / "m.safetensors"});
  EXPECT_EQ(refused.code, ExitCode::kFailed);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("prepared again"), HasSubstr("--store"),
                                 HasSubstr("--without-codes")));
  EXPECT_FALSE(FileExists(folder_ / "m.safetensors"));
  const Outcome bare = On("export", "run", {"--without-codes", "--out", folder_ / "m.safetensors"});
  EXPECT_EQ(bare.code, ExitCode::kDone) << bare.err;
  // Without a codebook there are no codes.
  const Outcome local = On("export", "local", {"--out", folder_ / "m.safetensors"});
  EXPECT_EQ(local.code, ExitCode::kDone) << local.err;
  std::filesystem::remove_all(store_);
  EXPECT_THAT(On("export", "run", {"--out", folder_ / "m.safetensors"}).err,
              AllOf(HasSubstr("is not there"), HasSubstr("--without-codes")));
  EXPECT_THAT(On("eval", "run").err, Not(HasSubstr("--without-codes")));
}

TEST_F(EvaluateTest, WithoutValidationNodesTheLastEpochIsTheResult) {
  SetSplit([](int64_t v) { return v % 2 == 0 ? SplitPart::kTrain : SplitPart::kTest; });
  const Outcome trained = Train("run");
  ASSERT_EQ(trained.code, ExitCode::kDone) << trained.err;
  EXPECT_THAT(trained.out, AllOf(HasSubstr("no labelled validation nodes"),
                                 HasSubstr("after the last epoch"), Not(HasSubstr("nan"))));
  EXPECT_EQ(Summary("run")["best_epoch"], 2);
  EXPECT_EQ(Summary("run")["best_checkpoint_epoch"], 2);
  const Outcome eval = On("eval", "run", {"--json"});
  ASSERT_EQ(eval.code, ExitCode::kDone) << eval.err;
  EXPECT_EQ(nlohmann::json::parse(eval.out, nullptr, false)["test_accuracy"],
            Summary("run")["test_accuracy"]);
  EXPECT_THAT(On("eval", "run").out, Not(HasSubstr("nan")));
}

TEST_F(EvaluateTest, WithoutTestNodesTheResultIsThatOfValidationNodes) {
  SetSplit([](int64_t v) { return v % 2 == 0 ? SplitPart::kTrain : SplitPart::kValid; });
  const Outcome trained = Train("run");
  ASSERT_EQ(trained.code, ExitCode::kDone) << trained.err;
  EXPECT_THAT(trained.out,
              AllOf(HasSubstr("  test -"), Not(HasSubstr("nan")),
                    ContainsRegex("\nno test nodes: valid [01][.][0-9]{4} at the best")));
  EXPECT_THAT(On("eval", "run").out, HasSubstr("test   accuracy - of 0 nodes"));
}

TEST_F(EvaluateTest, WithoutABestCheckpointTheLatestIsTakenAndThatIsSaid) {
  ASSERT_EQ(
      Train("run", {"--set", "train.learning_rate=1", "--set", "model.head_features=false"}).code,
      ExitCode::kDone);
  ASSERT_EQ(Summary("run")["best_epoch"], 1);  // which depends on the seed
  ASSERT_OK_AND_ASSIGN(const std::string best_path, FindCheckpoint(folder_ / "run", "best"));
  ASSERT_OK(RemoveCheckpoint(best_path));
  for (const std::vector<std::string>& command : {std::vector<std::string>{"eval"},
                                                  {"predict", "--out", folder_ / "p.npy"},
                                                  {"export", "--out", folder_ / "m.safetensors"}}) {
    const Outcome outcome = On(command[0], "run", {command.begin() + 1, command.end()});
    EXPECT_EQ(outcome.code, ExitCode::kDone) << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr("has no best checkpoint; using the latest"));
  }
  // One that is asked for by name is not replaced.
  const Outcome best = On("eval", "run", {"--checkpoint", "best"});
  EXPECT_EQ(best.code, ExitCode::kFailed);
  EXPECT_THAT(best.err, HasSubstr("has no checkpoint 'best'"));
}

TEST_F(EvaluateTest, RanksAreBalancedByTheNodesThatStepsVisit) {
  // Of 60 training nodes in each partition, 15 of the second have a label.
  SetLabels([](int64_t v) {
    return v < kNodes / 2 || v % 4 == 0 ? static_cast<int32_t>(v % 3) : kUnlabelled;
  });
  const Outcome outcome = Train("run", {"--ranks-in-process", "2"});
  ASSERT_EQ(outcome.code, ExitCode::kDone) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("predicted efficiency 0.62"));
}

TEST_F(EvaluateTest, AStoreThatMovedIsSaidToBeNamedByItsNewPath) {
  ASSERT_EQ(Train("run").code, ExitCode::kDone);
  ASSERT_OK(RenameFile(store_, folder_ / "moved.qh"));
  EXPECT_THAT(On("eval", "run").err, AllOf(HasSubstr("s.qh"), HasSubstr("name it with --store")));
  EXPECT_EQ(On("eval", "run", {"--store", folder_ / "moved.qh"}).code, ExitCode::kDone);
}

TEST_F(EvaluateTest, FeaturesOfAnotherWidthAreNamedAsSuch) {
  ASSERT_EQ(Train("run").code, ExitCode::kDone);
  TinyStoreOptions wider;
  wider.graph_nodes = kNodes;
  wider.features = 5;
  ASSERT_OK(WriteTinyStore(folder_ / "wider.qh", wider));
  const Outcome outcome =
      On("predict", "run", {"--store", folder_ / "wider.qh", "--out", folder_ / "p.npy"});
  EXPECT_EQ(outcome.code, ExitCode::kFailed);
  EXPECT_THAT(outcome.err, HasSubstr("has 5 features, but the model was trained on 4"));
}

}  // namespace
}  // namespace quadhop
