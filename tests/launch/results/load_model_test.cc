// What a store must have in common with the one that a model was trained on, seen by eval.
#include "launch/results/load_model.h"

#include <absl/strings/str_cat.h>

#include <fstream>

#include "core/files/file.h"
#include "launch/run/run_paths.h"
#include "tests/launch/quadhop_command.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

// A ring of 40 nodes, in tables.
class LoadModelTest : public testing::Test {
 protected:
  // A column of zeros before one of the classes, or after; classes with names.
  void Prep(const std::string& name, bool zeros_first, const std::string& class_name,
            bool header = true) {
    std::string edges, nodes;
    if (header) nodes = zeros_first ? "id,Zero,is,label\n" : "id,is,zero,label\n";
    for (int v = 0; v < 40; ++v) {
      absl::StrAppend(&edges, "n", v, ",n", (v + 1) % 40, "\n");
      absl::StrAppend(&nodes, "n", v, zeros_first ? ",0," : ",", v % 2, zeros_first ? "," : ",0,",
                      class_name, v % 2, "\n");
    }
    ASSERT_OK(WriteFileAtomically(folder_ / "edges.csv", edges));
    ASSERT_OK(WriteFileAtomically(folder_ / "nodes.csv", nodes));
    const Outcome outcome =
        Quadhop({"prep", "--from", folder_ / "edges.csv", "--nodes", folder_ / "nodes.csv",
                 "--store", folder_ / name, "--dim", "4"});
    ASSERT_EQ(outcome.code, ExitCode::kDone) << outcome.err;
  }
  Outcome Eval(const std::string& store) const {
    return Quadhop({"eval", "--run", folder_ / "run", "--store", folder_ / store});
  }

  TempDir folder_;
};

TEST_F(LoadModelTest, FeaturesAndClassesThatHaveNamesAreTheSameInTheSameOrder) {
  Prep("a.qh", true, "kind");
  Prep("again.qh", true, "kind");
  Prep("plain.qh", true, "kind", /*header=*/false);
  Prep("turned.qh", false, "kind");
  Prep("others.qh", true, "sort");
  ASSERT_EQ(TrainTiny(folder_ / "a.qh", folder_ / "run", /*epochs=*/1, {}).code, ExitCode::kDone);
  EXPECT_EQ(Eval("again.qh").code, ExitCode::kDone);
  EXPECT_EQ(Eval("plain.qh").code, ExitCode::kDone);  // without names nothing is compared
  EXPECT_THAT(Eval("turned.qh").err, HasSubstr("the names of the features of"));
  EXPECT_THAT(Eval("turned.qh").err, HasSubstr("differ, first \"is\" and \"Zero\""));
  EXPECT_THAT(Eval("others.qh").err, HasSubstr("differ, first \"sort0\" and \"kind0\""));
  // Predictions are of the model's classes, whatever labels the store has.
  const Outcome predicted = Quadhop({"predict", "--run", folder_ / "run", "--store",
                                     folder_ / "others.qh", "--out", folder_ / "p.csv"});
  EXPECT_EQ(predicted.code, ExitCode::kDone) << predicted.err;
  EXPECT_THAT(ReadFile(folder_ / "p.csv").value(), HasSubstr("n0,kind"));
}

TEST_F(LoadModelTest, ACheckpointOfAnUnfinishedRunIsSaidToBeThat) {
  Prep("a.qh", true, "kind");
  ASSERT_EQ(TrainTiny(folder_ / "a.qh", folder_ / "run", /*epochs=*/2).code, ExitCode::kDone);
  EXPECT_THAT(Eval("a.qh").err, Not(HasSubstr("finished")));
  ASSERT_OK(RemoveFileIfPresent(RunSummaryPath(folder_ / "run")));
  EXPECT_THAT(Eval("a.qh").err,
              ContainsRegex("run is not finished: using the checkpoint after step [0-9]+ \\(epochs "
                            "done: [12], of at most 2\\)"));
}

TEST_F(LoadModelTest, NodesToPredictMayBeNamedAsInTheCsvOfPredictions) {
  Prep("a.qh", true, "kind");
  ASSERT_EQ(TrainTiny(folder_ / "a.qh", folder_ / "run", /*epochs=*/1).code, ExitCode::kDone);
  ASSERT_OK(WriteFileAtomically(folder_ / "some.txt", "\"n7\"\nn3\n"));
  const Outcome outcome = Quadhop({"predict", "--run", folder_ / "run", "--nodes",
                                   folder_ / "some.txt", "--out", folder_ / "p.csv"});
  ASSERT_EQ(outcome.code, ExitCode::kDone) << outcome.err;
  EXPECT_THAT(ReadFile(folder_ / "p.csv").value(),
              ContainsRegex("^node,class\nn7,kind[01]\nn3,kind[01]\n$"));
}

TEST_F(LoadModelTest, WeightsThatWereDamagedAreSaidToBe) {
  Prep("a.qh", true, "kind");
  ASSERT_EQ(TrainTiny(folder_ / "a.qh", folder_ / "run", /*epochs=*/1).code, ExitCode::kDone);
  const std::string path = folder_ / "run/checkpoints/best/weights.safetensors";
  ASSERT_OK_AND_ASSIGN(std::string weights, ReadFile(path));
  weights[weights.find("[16]") + 1] = '2';
  std::ofstream(path) << weights;
  EXPECT_THAT(Eval("a.qh").err, HasSubstr("weights.safetensors is damaged"));
}

}  // namespace
}  // namespace quadhop
