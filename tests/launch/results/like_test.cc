// A model for tables that come anew every week, seen from the command line.
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/files/file.h"
#include "tests/launch/quadhop_command.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class NextWeek : public testing::Test {
 protected:
  static constexpr int kNodes = 120;

  // A ring of payers, whose class is that of their land.
  Outcome Prep(const std::string& name, const std::string& third_land, double scale,
               const std::vector<std::string>& more = {}) {
    std::string edges, nodes = "id,amount,land,label\n";
    for (int v = 0; v < kNodes; ++v) {
      absl::StrAppend(&edges, "n", v, ",n", (v + 1) % kNodes, "\n");
      absl::StrAppend(&nodes, "n", v, ",", v % 7 == 0 ? "" : absl::StrCat(scale * v), ",",
                      v % 3 == 0 ? "DE" : (v % 3 == 1 ? "FR" : third_land), ",",
                      v % 3 == 0 ? "fraud" : "fine", "\n");
    }
    EXPECT_OK(WriteFileAtomically(At(name + "_edges.csv"), edges));
    EXPECT_OK(WriteFileAtomically(At(name + "_nodes.csv"), nodes));
    std::vector<std::string> arguments = {"prep",
                                          "--from",
                                          At(name + "_edges.csv"),
                                          "--nodes",
                                          At(name + "_nodes.csv"),
                                          "--store",
                                          At(name),
                                          "--parts",
                                          "2",
                                          "--dim",
                                          "4",
                                          "--one-hot",
                                          "land",
                                          "--standardize"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Quadhop(arguments);
  }
  Outcome Predict(const std::string& name) {
    return Quadhop({"predict", "--run", At("run"), "--store", At(name), "--out", At("x.csv")});
  }
  std::string At(const std::string& name) const { return folder_ / name; }

  TempDir folder_;
};

TEST_F(NextWeek, IsPredictedIfItsStoreIsLikeThatOfTheModel) {
  ASSERT_EQ(Prep("old", "IT", 1).code, ExitCode::kDone);
  const Outcome trained = Quadhop({"train", "--store", At("old"), "--config", "small", "--set",
                                   "train.epochs=2", "--run", At("run")});
  ASSERT_EQ(trained.code, ExitCode::kDone) << trained.err;
  ASSERT_EQ(Prep("apart", "KR", 1).code, ExitCode::kDone);
  EXPECT_THAT(Predict("apart").err, HasSubstr("\"land=KR\" and \"land=IT\""));

  const Outcome prepared = Prep("new", "KR", 9, {"--like", At("old")});
  ASSERT_EQ(prepared.code, ExitCode::kDone) << prepared.err;
  EXPECT_THAT(prepared.out, HasSubstr("\"KR\" is none of these"));
  const Outcome predicted = Predict("new");
  EXPECT_EQ(predicted.code, ExitCode::kDone) << predicted.err;
  EXPECT_THAT(predicted.err, Not(HasSubstr("standardised")));
}

TEST_F(NextWeek, IsPreparedAnewIfTheOtherStoreIsAnother) {
  ASSERT_EQ(Prep("old", "IT", 1).code, ExitCode::kDone);
  ASSERT_EQ(Prep("new", "KR", 9, {"--like", At("old")}).code, ExitCode::kDone);
  const auto again = [&] {
    return Quadhop({"prep", "--from", At("new_edges.csv"), "--nodes", At("new_nodes.csv"),
                    "--store", At("new"), "--parts", "2", "--dim", "4", "--one-hot", "land",
                    "--standardize", "--like", At("old")})
        .out;
  };
  EXPECT_THAT(again(), Not(HasSubstr("made anew")));
  ASSERT_EQ(Prep("old", "KR", 2).code, ExitCode::kDone);
  EXPECT_THAT(again(), HasSubstr("made anew"));
}

TEST_F(NextWeek, IsNotPreparedLikeAStoreThatIsNotThere) {
  const Outcome outcome = Prep("new", "KR", 9, {"--like", At("nowhere"), "--dry-run"});
  EXPECT_EQ(outcome.code, ExitCode::kFailed);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("--like"), HasSubstr("nowhere")));
}

}  // namespace
}  // namespace quadhop
