// What predict, export and train --init do with a model, seen from the command line.
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <absl/strings/str_split.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "core/arrays/npy.h"
#include "core/files/file.h"
#include "core/store/manifest.h"
#include "core/store/store_writer.h"
#include "launch/run/checkpoint_folder.h"
#include "launch/run/run_folder.h"
#include "launch/session/session.h"
#include "tests/launch/quadhop_command.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr int kNodes = 120;  // of which 72 train: enough for 4 partitions
constexpr int kClasses = 3;

std::string NameOf(int node) { return absl::StrCat(10 * node + 7); }

// A ring with chords, of nodes with names, in 4 partitions, and a run on it.
class PredictTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TempDir>();
    ASSERT_EQ(Prep("graph", kNodes, {}).code, ExitCode::kDone);
    ASSERT_EQ(Train("run", {}).code, ExitCode::kDone);
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static Outcome Prep(const std::string& name, int nodes, const std::vector<std::string>& more) {
    std::string edges, names;
    std::vector<int64_t> labels;
    for (int v = 0; v < nodes; ++v) {
      absl::StrAppend(&edges, v, " ", (v + 1) % nodes, "\n", v, " ", v * v % nodes, "\n");
      absl::StrAppend(&names, NameOf(v), "\n");
      labels.push_back(v < kNodes ? v % kClasses : -1);
    }
    EXPECT_OK(WriteFileAtomically(At(absl::StrCat(name, ".txt")), edges));
    EXPECT_OK(WriteNpy(At(absl::StrCat(name, ".npy")), DType::kI64, {nodes}, labels.data()));
    const std::string path = At(name);
    std::vector<std::string> arguments =
        absl::StrSplit("prep --format edge-list --parts 4 --dim 4", ' ');
    arguments.insert(arguments.end(),
                     {"--from", path + ".txt", "--labels", path + ".npy", "--store", path + ".qh"});
    arguments.insert(arguments.end(), more.begin(), more.end());
    Outcome outcome = Quadhop(arguments);
    EXPECT_EQ(outcome.code, ExitCode::kDone) << outcome.err;
    EXPECT_OK(AddNames(At(absl::StrCat(name, ".qh")), names));
    return outcome;
  }

  // As if the import had found them.
  static absl::Status AddNames(const std::string& store, const std::string& names) {
    QH_ASSIGN_OR_RETURN(const std::unique_ptr<StoreWriter> writer, StoreWriter::Begin(store));
    QH_RETURN_IF_ERROR(writer->AddText("original_names.txt", names));
    ThreadPool pool(1);
    return writer->Commit(*FindStep(writer->manifest(), "import"), pool);
  }

  static Outcome Train(const std::string& run, std::vector<std::string> more,
                       const std::string& store = "graph.qh") {
    more.insert(more.begin(), {"--set", "model.centroids=3"});
    Outcome outcome = TrainTiny(At(store), At(run), /*epochs=*/3, more);
    EXPECT_EQ(outcome.code, ExitCode::kDone) << outcome.err;
    return outcome;
  }

  static Outcome Predict(std::vector<std::string> more, const std::string& run = "run") {
    more.insert(more.begin(), {"predict", "--run", At(run), "--threads", "1"});
    return Quadhop(more);
  }

  static std::string At(const std::string& name) { return *folder_ / name; }

  // The fields of each line.
  static std::vector<std::vector<std::string>> Csv(const std::string& name) {
    std::vector<std::vector<std::string>> rows;
    for (const absl::string_view line :
         absl::StrSplit(ReadFile(At(name)).value(), '\n', absl::SkipEmpty()))
      rows.push_back(absl::StrSplit(line, ','));
    return rows;
  }

  template <typename T>
  static std::vector<T> Npy(const std::string& name) {
    const absl::StatusOr<NpyFile> file = NpyFile::Open(At(name));
    EXPECT_OK(file);
    const absl::Span<const T> values = file->values<T>();
    return {values.begin(), values.end()};
  }

  static std::unique_ptr<TempDir> folder_;
};
std::unique_ptr<TempDir> PredictTest::folder_;

TEST_F(PredictTest, WritesTheSameFilesOnAnyNumberOfRanks) {
  const std::vector<std::string> kinds = {"out", "probabilities", "embeddings"};
  for (const std::string ranks : {"1", "4"}) {
    for (const std::string ending : {".npy", ".csv"}) {
      std::vector<std::string> flags = {"--ranks-in-process", ranks};
      for (const std::string& kind : kinds)
        flags.insert(flags.end(),
                     {absl::StrCat("--", kind), At(absl::StrCat(kind, ranks, ending))});
      const Outcome outcome = Predict(flags);
      ASSERT_EQ(outcome.code, ExitCode::kDone) << outcome.err;
    }
  }
  for (const std::string& kind : kinds) {
    for (const std::string ending : {".npy", ".csv"}) {
      EXPECT_EQ(ReadFile(At(absl::StrCat(kind, "1", ending))).value(),
                ReadFile(At(absl::StrCat(kind, "4", ending))).value())
          << kind << ending;
      EXPECT_FALSE(FileExists(At(absl::StrCat(kind, "4", ending, ".rows.tmp"))));
    }
  }
}

TEST_F(PredictTest, RowsHaveTheOrderAndTheNamesOfTheInput) {
  ASSERT_EQ(
      Predict({"--out", At("p.csv"), "--probabilities", At("q.npy"), "--embeddings", At("e.csv")})
          .code,
      ExitCode::kDone);
  const auto predictions = Csv("p.csv"), embeddings = Csv("e.csv");
  const std::vector<float> probabilities = Npy<float>("q.npy");
  ASSERT_EQ(predictions.size(), kNodes + 1u);
  ASSERT_EQ(probabilities.size(), static_cast<size_t>(kNodes * kClasses));
  EXPECT_THAT(predictions[0], ElementsAre("node", "class"));
  EXPECT_EQ(embeddings[0].size(), 1 + 8u);
  for (size_t v = 0; v < kNodes; ++v) {
    const auto row = probabilities.begin() + static_cast<std::ptrdiff_t>(v * kClasses);
    EXPECT_THAT(predictions[v + 1],
                ElementsAre(NameOf(static_cast<int>(v)),
                            absl::StrCat(std::max_element(row, row + kClasses) - row)));
    EXPECT_NEAR(row[0] + row[1] + row[2], 1, 1e-6);
    EXPECT_EQ(embeddings[v + 1][0], NameOf(static_cast<int>(v)));
  }
}

TEST_F(PredictTest, AgreesWithTheAccuracyOfEval) {
  ASSERT_EQ(Predict({"--out", At("all.npy")}).code, ExitCode::kDone);
  const Outcome eval = Quadhop({"eval", "--run", At("run"), "--json", "--threads", "1"});
  ASSERT_EQ(eval.code, ExitCode::kDone) << eval.err;
  const std::vector<int32_t> predictions = Npy<int32_t>("all.npy");
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Store> store, Store::Open(At("graph.qh")));
  ASSERT_OK_AND_ASSIGN(const auto split, store->split(""));
  ASSERT_OK_AND_ASSIGN(const auto original_ids, store->original_ids());
  int64_t right = 0, total = 0;
  for (size_t v = 0; v < split.size(); ++v) {
    if (split[v] != static_cast<uint8_t>(SplitPart::kTest)) continue;
    ++total;
    const auto place = static_cast<size_t>(original_ids[v]);
    right += predictions[place] == static_cast<int32_t>(place) % kClasses ? 1 : 0;
  }
  ASSERT_GT(total, 0);
  EXPECT_EQ(nlohmann::json::parse(eval.out)["test_accuracy"].get<double>(),
            static_cast<double>(right) / static_cast<double>(total));
}

TEST_F(PredictTest, ChosenNodesStandInTheOrderOfTheirFile) {
  ASSERT_OK(WriteFileAtomically(At("some.txt"), absl::StrCat(kByteOrderMark, NameOf(80), "\r\n",
                                                             NameOf(3), "\n", NameOf(41))));
  ASSERT_EQ(Predict({"--probabilities", At("all.npy")}).code, ExitCode::kDone);
  const Outcome outcome = Predict(
      {"--nodes", At("some.txt"), "--probabilities", At("some.csv"), "--ranks-in-process", "3"});
  ASSERT_EQ(outcome.code, ExitCode::kDone) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("of 3 nodes, in the order of --nodes"));
  const std::vector<float> all = Npy<float>("all.npy");
  const auto some = Csv("some.csv");
  ASSERT_EQ(some.size(), 4u);
  EXPECT_THAT(some[0], ElementsAre("node", "class_0", "class_1", "class_2"));
  const int nodes[] = {80, 3, 41};
  for (size_t row = 0; row < 3; ++row) {
    EXPECT_EQ(some[row + 1][0], NameOf(nodes[row]));
    for (size_t c = 0; c < kClasses; ++c) {
      float value = -1;
      EXPECT_TRUE(absl::SimpleAtof(some[row + 1][c + 1], &value));
      EXPECT_NEAR(value, all[static_cast<size_t>(nodes[row]) * kClasses + c], 1e-5);
    }
  }
}

TEST_F(PredictTest, PlacesInAnArrayChooseNodesToo) {
  const std::vector<int64_t> places = {5, 2};
  ASSERT_OK(WriteNpy(At("places.npy"), DType::kI64, {2}, places.data()));
  ASSERT_EQ(Predict({"--out", At("all.npy")}).code, ExitCode::kDone);
  ASSERT_EQ(Predict({"--nodes", At("places.npy"), "--out", At("two.csv")}).code, ExitCode::kDone);
  const std::vector<int32_t> all = Npy<int32_t>("all.npy");
  EXPECT_THAT(Csv("two.csv"), ElementsAre(testing::_, ElementsAre(NameOf(5), absl::StrCat(all[5])),
                                          ElementsAre(NameOf(2), absl::StrCat(all[2]))));
}

TEST_F(PredictTest, RefusesNodesThatTheStoreHasNotOrThatAreNamedTwice) {
  ASSERT_OK(WriteFileAtomically(At("bad.txt"), absl::StrCat(NameOf(1), "\n8\n")));
  const Outcome absent = Predict({"--nodes", At("bad.txt"), "--out", At("bad.npy")});
  EXPECT_EQ(absent.code, ExitCode::kFailed);
  EXPECT_THAT(absent.err, AllOf(HasSubstr("bad.txt line 2"), HasSubstr("no node 8"),
                                HasSubstr("original_names.txt")));
  ASSERT_OK(WriteFileAtomically(At("bad.txt"), absl::StrCat(NameOf(1), "\n", NameOf(1), "\n")));
  EXPECT_THAT(Predict({"--nodes", At("bad.txt"), "--out", At("bad.npy")}).err,
              AllOf(HasSubstr("bad.txt line 2"), HasSubstr("in line 1")));
  EXPECT_FALSE(FileExists(At("bad.npy")));
}

TEST_F(PredictTest, PassesOverBlankLinesBetweenNames) {
  ASSERT_OK(WriteFileAtomically(At("gaps.txt"),
                                absl::StrCat("\n", NameOf(1), "\n\r\n  \n", NameOf(2), "\n\n8\n")));
  EXPECT_THAT(Predict({"--nodes", At("gaps.txt"), "--out", At("gaps.csv")}).err,
              HasSubstr("gaps.txt line 7: the store has no node 8"));
  ASSERT_OK(WriteFileAtomically(At("gaps.txt"), absl::StrCat(NameOf(2), "\n\n", NameOf(1), "\n")));
  ASSERT_EQ(Predict({"--nodes", At("gaps.txt"), "--out", At("gaps.csv")}).code, ExitCode::kDone);
  const auto rows = Csv("gaps.csv");
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[1][0], NameOf(2));
  EXPECT_EQ(rows[2][0], NameOf(1));
}

TEST_F(PredictTest, WritesNothingIntoAStoreOrACheckpoint) {
  const std::string labels = At("graph.qh/labels.npy");
  ASSERT_OK_AND_ASSIGN(const std::string before, ReadFile(labels));
  const std::string codes = LatestCheckpointPath(At("run")) + "/codes.npy";
  ASSERT_OK_AND_ASSIGN(const std::string codes_before, ReadFile(codes));
  for (const std::string& path : {labels, At("graph.qh/new.csv"), codes}) {
    const Outcome outcome = Predict({"--out", path});
    EXPECT_EQ(outcome.code, ExitCode::kUsage) << path;
    EXPECT_THAT(outcome.err, HasSubstr("--out is " + path));
  }
  EXPECT_EQ(Quadhop({"export", "--run", At("run"), "--out",
                     LatestCheckpointPath(At("run")) + "/weights.safetensors"})
                .code,
            ExitCode::kUsage);
  EXPECT_EQ(Quadhop({"report", At("run"), "--out", At("graph.qh/report.html")}).code,
            ExitCode::kUsage);
  EXPECT_EQ(ReadFile(labels).value(), before);
  EXPECT_EQ(ReadFile(codes).value(), codes_before);
  EXPECT_FALSE(FileExists(At("graph.qh/new.csv")));
}

TEST_F(PredictTest, ExportAndReportWriteWhatTheirNamesSay) {
  const Outcome exported = Quadhop({"export", "--run", At("run"), "--out", At("model.npy")});
  EXPECT_EQ(exported.code, ExitCode::kUsage);
  EXPECT_THAT(exported.err, HasSubstr("a name that ends in .safetensors"));
  const Outcome report = Quadhop({"report", At("run"), "--out", At("report.pdf")});
  EXPECT_EQ(report.code, ExitCode::kUsage);
  EXPECT_THAT(report.err, HasSubstr("a name that ends in .html"));
}

TEST_F(PredictTest, SaysWhichFilesItCanWrite) {
  const Outcome none = Predict({});
  EXPECT_EQ(none.code, ExitCode::kUsage);
  EXPECT_THAT(none.err, HasSubstr("--probabilities"));
  const Outcome other = Predict({"--out", At("predictions.parquet")});
  EXPECT_EQ(other.code, ExitCode::kUsage);
  EXPECT_THAT(other.err, AllOf(HasSubstr(".npy or .csv"), HasSubstr("predictions.parquet")));
}

TEST_F(PredictTest, ScoresNodesThatWereAddedAfterTraining) {
  Prep("grown", kNodes + 20, {});
  const Outcome outcome = Predict(
      {"--store", At("grown.qh"), "--out", At("grown_classes.npy"), "--ranks-in-process", "2"});
  ASSERT_EQ(outcome.code, ExitCode::kDone) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("is not the store that the model was trained on"));
  EXPECT_EQ(Npy<int32_t>("grown_classes.npy").size(), kNodes + 20u);
}

TEST_F(PredictTest, PredictsAStoreThatHasNeitherLabelsNorSplits) {
  ASSERT_EQ(Predict({"--probabilities", At("labelled.npy")}).code, ExitCode::kDone);
  for (const char* name : {"named.qh", "bare.qh"}) {
    std::filesystem::copy(At("graph.qh"), At(name));
    ASSERT_OK_AND_ASSIGN(const auto writer, StoreWriter::Begin(At(name)));
    StoreManifest& manifest = writer->manifest();
    const Provenance import = *FindStep(manifest, "import");
    if (name[0] == 'n') {
      for (const char* of_class : {"red", "green", "blue"}) manifest.add_class_names(of_class);
    } else {
      for (const char* file : {"labels.npy", "splits.npy"}) LeaveOut(manifest, file);
      manifest.clear_split_names();
      manifest.set_classes(0);
    }
    ThreadPool pool(1);
    ASSERT_OK(writer->Commit(import, pool));
  }
  const Outcome outcome = Predict({"--store", At("bare.qh"), "--probabilities", At("bare.npy"),
                                   "--out", At("bare.csv"), "--ranks-in-process", "2"});
  ASSERT_EQ(outcome.code, ExitCode::kDone) << outcome.err;
  EXPECT_EQ(Npy<float>("bare.npy").size(), static_cast<size_t>(kNodes * kClasses));
  EXPECT_EQ(Csv("bare.csv").size(), kNodes + 1u);
  // Classes have the names that they had in training.
  Train("of_names", {}, "named.qh");
  ASSERT_EQ(
      Predict({"--store", At("bare.qh"), "--probabilities", At("named.csv")}, "of_names").code,
      ExitCode::kDone);
  EXPECT_THAT(Csv("named.csv")[0], ElementsAre("node", "red", "green", "blue"));
}

TEST_F(PredictTest, RefusesOneFileForTwoPurposesBeforeItWorks) {
  using Case = std::array<std::string, 3>;
  for (const auto& [one, flag, other] :
       {Case{At("same.npy"), "--probabilities", At("./same.npy")},
        Case{"same.npy", "--embeddings", "./same.npy"},
        Case{std::filesystem::current_path() / "same.npy", "--nodes", "same.npy"}}) {
    const Outcome outcome = Predict({"--out", one, flag, other});
    EXPECT_EQ(outcome.code, ExitCode::kUsage);
    EXPECT_THAT(outcome.err, AllOf(HasSubstr("same.npy"), HasSubstr("a file of its own")));
    EXPECT_FALSE(FileExists(one));
  }
}

TEST_F(PredictTest, RefusesTheStoreThatItWasTrainedOnOnceThatWasEncodedAnew) {
  std::filesystem::copy(At("graph.qh"), At("anew.qh"));
  Train("before", {}, "anew.qh");
  ASSERT_EQ(Quadhop({"encode", "--store", At("anew.qh"), "--dim", "4", "--seed", "5"}).code,
            ExitCode::kDone);
  ASSERT_EQ(Quadhop({"propagate", "--store", At("anew.qh")}).code, ExitCode::kDone);
  const Outcome outcome = Predict({"--out", At("x.npy")}, "before");
  EXPECT_EQ(outcome.code, ExitCode::kFailed);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("encode with"), HasSubstr("seed=5")));
}

TEST_F(PredictTest, RefusesAGrownGraphWhoseEncodingsHaveOtherAxes) {
  const std::vector<std::string> method = {"--encode-method", "svd"};
  Prep("axes", kNodes, method);
  Prep("axes_grown", kNodes + 20, method);
  Train("axes_run", {}, "axes.qh");
  const Outcome outcome =
      Predict({"--store", At("axes_grown.qh"), "--out", At("x.npy")}, "axes_run");
  EXPECT_EQ(outcome.code, ExitCode::kFailed);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("by svd"), HasSubstr("fastrp")));
  // Cut anew it is the same graph with the same encodings.
  std::filesystem::copy(At("axes.qh"), At("axes_cut.qh"));
  ASSERT_EQ(Quadhop({"partition", "--store", At("axes_cut.qh"), "--parts", "2"}).code,
            ExitCode::kDone);
  EXPECT_EQ(Predict({"--store", At("axes_cut.qh"), "--out", At("x.npy")}, "axes_run").code,
            ExitCode::kDone);
}

TEST_F(PredictTest, WarnsThatAGrownGraphIsStandardizedByItsOwnNodes) {
  Prep("scaled", kNodes, {"--standardize"});
  Prep("scaled_grown", kNodes + 20, {"--standardize"});
  Prep("unscaled", kNodes, {});
  Train("scaled_run", {}, "scaled.qh");
  const auto predict = [](const std::string& store) {
    return Predict({"--store", At(store), "--out", At("x.npy")}, "scaled_run");
  };
  const Outcome grown = predict("scaled_grown.qh");
  EXPECT_EQ(grown.code, ExitCode::kDone) << grown.err;
  EXPECT_THAT(grown.err, HasSubstr("standardised by its own nodes"));
  const Outcome unscaled = predict("unscaled.qh");
  EXPECT_EQ(unscaled.code, ExitCode::kFailed);
  EXPECT_THAT(unscaled.err, HasSubstr("standardize=true"));
  // Cut anew it is the same graph, scaled the same.
  std::filesystem::copy(At("scaled.qh"), At("scaled_cut.qh"));
  ASSERT_EQ(Quadhop({"partition", "--store", At("scaled_cut.qh"), "--parts", "2"}).code,
            ExitCode::kDone);
  EXPECT_THAT(predict("scaled_cut.qh").err, Not(HasSubstr("standardised")));
}

TEST_F(PredictTest, RefusesAStoreThatWasMadeOtherwise) {
  const auto error_with = [](const char* flag) {
    Prep("otherwise", kNodes, {flag});
    return Predict({"--store", At("otherwise.qh"), "--out", At("x.npy")}).err;
  };
  EXPECT_THAT(error_with("--seed=5"), AllOf(HasSubstr("encode with"), HasSubstr("seed=5")));
  EXPECT_THAT(error_with("--directed"), HasSubstr("imported with directed=true, but"));
}

TEST_F(PredictTest, ExportedWeightsAreTakenBackByTrain) {
  const std::vector<std::string> layer_norm = {"--set", "model.norm=LAYER_NORM", "--set",
                                               "model.conv=LOCAL"};
  Train("first", layer_norm);
  ASSERT_EQ(Quadhop({"export", "--run", At("first"), "--checkpoint", "latest", "--out",
                     At("first.safetensors")})
                .code,
            ExitCode::kDone);
  // A step so small that no weight moves by what a float shows.
  std::vector<std::string> again = layer_norm;
  again.insert(again.end(), {"--init", At("first.safetensors"), "--set",
                             "train.learning_rate=1e-30", "--set", "train.seed=0"});
  Train("second", again);
  for (const std::string run : {"first", "second"})
    ASSERT_EQ(
        Predict({"--checkpoint", "latest", "--probabilities", At(absl::StrCat(run, ".npy"))}, run)
            .code,
        ExitCode::kDone);
  EXPECT_EQ(ReadFile(At("first.npy")).value(), ReadFile(At("second.npy")).value());
}

// What the model takes of every node, and the logits it gives, rows in the order of the input.
absl::Status WriteModelInputs(Session& session, const TempDir& folder) {
  const LargeGTDims& dims = session.model().options().dims;
  const int64_t n = session.store().num_nodes(), f = dims.features;
  Tensor<float> tokens({n, dims.sampled * dims.hops_and_self, f}), x({n, f}), pe({n, dims.pos_enc}),
      logits({n, dims.classes});
  Tensor<int64_t> sampled({n, dims.sampled});
  QH_ASSIGN_OR_RETURN(const auto original_ids, session.store().original_ids());
  Pass pass;
  pass.kind = Pass::Kind::kAllNodes;
  pass.batch = 16;
  QH_RETURN_IF_ERROR(session.ForEachPrediction(
      pass, /*with_embeddings=*/false, [&](const Batch& batch, const Prediction& prediction) {
        for (int64_t b = 0; b < batch.num_nodes(); ++b) {
          const auto r = static_cast<size_t>(b);
          const int64_t row = original_ids[static_cast<size_t>(batch.nodes[r].value())];
          // PyTorch takes each token as often as it was sampled.
          float* token = tokens.row(row);
          int64_t* entry = sampled.row(row);
          for (auto i = static_cast<size_t>(batch.sampled_offsets[r]);
               i < static_cast<size_t>(batch.sampled_offsets[r + 1]); ++i)
            for (int32_t m = 0; m < batch.multiplicity[i]; ++m) {
              *entry++ = batch.sampled[i].value();
              token = std::copy_n(batch.features.row(batch.sampled[i].value()),
                                  dims.hops_and_self * f, token);
            }
          std::copy_n(batch.features.row(batch.own[r].value()), f, x.row(row));
          std::copy_n(batch.pos_enc.row(b), dims.pos_enc, pe.row(row));
          std::copy_n(prediction.logits.row(b), dims.classes, logits.row(row));
        }
        return absl::OkStatus();
      }));
  for (const auto& [name, array] : std::map<std::string, const Tensor<float>*>{
           {"tokens", &tokens}, {"x", &x}, {"pe", &pe}, {"logits", &logits}})
    QH_RETURN_IF_ERROR(WriteNpy(folder / absl::StrCat(name, ".npy"), array->cview()));
  return WriteNpy(folder / "sampled.npy", sampled.cview());
}

TEST_F(PredictTest, ExportedWeightsGiveTheSameLogitsInPyTorch) {
  Train("marked", {"--set", "model.token_marks=true"});
  Train("paper", {"--set", "model.head_features=false"});
  for (const std::string run : {"run", "marked", "paper"}) {
    SCOPED_TRACE(run);
    const TempDir folder;
    ASSERT_EQ(Predict({"--probabilities", folder / "probabilities.npy"}, run).code,
              ExitCode::kDone);
    ASSERT_EQ(Quadhop({"export", "--run", At(run), "--out", folder / "model.safetensors"}).code,
              ExitCode::kDone);
    ASSERT_OK_AND_ASSIGN(const Config config, ReadRunConfig(At(run)));
    testing::internal::CaptureStderr();
    const auto code = RunRanks(
        {.ranks_in_process = 1, .threads = 1, .heartbeat = {}},
        [&](const RankContext& context) -> absl::StatusOr<ExitCode> {
          QH_ASSIGN_OR_RETURN(const auto session,
                              Session::Create(At("graph.qh"), "", config, context));
          QH_RETURN_IF_ERROR(
              ReadCheckpoint(session->Subject(nullptr), BestCheckpointPath(At(run))).status());
          QH_RETURN_IF_ERROR(WriteModelInputs(*session, folder));
          return ExitCode::kDone;
        });
    testing::internal::GetCapturedStderr();
    ASSERT_OK(code);
    const int status =
        std::system(absl::StrCat("/usr/bin/python3 " QH_SOURCE_DIR
                                 "/tests/launch/results/check_with_torch.py " QH_SOURCE_DIR " ",
                                 folder.path())
                        .c_str());
    ASSERT_TRUE(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77 || WEXITSTATUS(status) == 127)
      GTEST_SKIP() << "python3 with torch and numpy is not installed";
    EXPECT_EQ(WEXITSTATUS(status), 0);
  }
}

TEST_F(PredictTest, ThePythonExampleReadsEveryFile) {
  ASSERT_EQ(
      Predict({"--out", At("p.npy"), "--probabilities", At("q.csv"), "--embeddings", At("e.npy")})
          .code,
      ExitCode::kDone);
  ASSERT_EQ(Quadhop({"export", "--run", At("run"), "--out", At("m.safetensors")}).code,
            ExitCode::kDone);
  std::string command = "/usr/bin/python3 -c 'import numpy' 2>/dev/null || exit 77; ";
  absl::StrAppend(&command, "/usr/bin/python3 " QH_SOURCE_DIR "/docs/examples/read_results.py");
  for (const char* name : {"run", "p.npy", "q.csv", "e.npy", "m.safetensors"})
    absl::StrAppend(&command, " ", At(name));
  const int status = std::system(absl::StrCat("(", command, ") >", At("said.txt")).c_str());
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "python3 with numpy is not installed";
  ASSERT_EQ(WEXITSTATUS(status), 0);
  EXPECT_THAT(ReadFile(At("said.txt")).value(),
              AllOf(HasSubstr("3 epochs"), HasSubstr("int32 (120,)"), HasSubstr("float32 (120, 8)"),
                    HasSubstr("120 nodes from 7 to 1197, columns class_0, class_1, class_2"),
                    HasSubstr("m.safetensors: ")));
}

}  // namespace
}  // namespace quadhop
