// A model for tables that come anew every week, seen from the command line.
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/arrays/tensor.h"
#include "core/base/status.h"
#include "core/files/file.h"
#include "core/store/store.h"
#include "partition/linear_algebra/standardize.h"
#include "partition/steps/moments_file.h"
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

  // A ring of payers, whose class is that of their land. At another scale some pay to more.
  Outcome Prep(const std::string& name, const std::string& third_land, double scale,
               const std::vector<std::string>& more = {}) {
    std::string edges, nodes = "id,amount,land,label\n";
    for (int v = 0; v < kNodes; ++v) {
      absl::StrAppend(&edges, "n", v, ",n", (v + 1) % kNodes, "\n");
      if (scale != 1 && v % 4 == 0)
        absl::StrAppend(&edges, "n", v, ",n", (7 * v + 2) % kNodes, "\n");
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
  void TrainOnOld(int epochs) {
    const Outcome trained = Quadhop({"train", "--store", At("old"), "--config", "small", "--set",
                                     absl::StrCat("train.epochs=", epochs), "--run", At("run")});
    ASSERT_EQ(trained.code, ExitCode::kDone) << trained.err;
  }
  Outcome Predict(const std::string& name) {
    return Quadhop({"predict", "--run", At("run"), "--store", At(name), "--out", At("x.csv")});
  }
  // What it prints.
  std::string Encode(const std::string& name, const std::vector<std::string>& flags) {
    std::vector<std::string> arguments = {"encode", "--store", At(name)};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    const Outcome outcome = Quadhop(arguments);
    EXPECT_EQ(outcome.code, ExitCode::kDone) << outcome.err;
    return outcome.out;
  }
  // Encodings [N, G] and the means and deviations that they are standardised by.
  struct Encodings {
    std::unique_ptr<Store> store;
    TensorView<const float> columns;
    ColumnMoments moments;
    double Before(int64_t v, int64_t g) const {  // before they were standardised
      const auto j = static_cast<size_t>(g);
      return double{columns.row(v)[g]} * moments.deviation[j] + moments.mean[j];
    }
  };
  absl::StatusOr<Encodings> ReadEncodings(const std::string& name) {
    Encodings of;
    QH_ASSIGN_OR_RETURN(of.store, Store::Open(At(name)));
    QH_ASSIGN_OR_RETURN(of.columns, of.store->pos_enc());
    QH_ASSIGN_OR_RETURN(of.moments, ReadMoments(*of.store, kEncodingMomentsFile));
    return of;
  }
  std::string At(const std::string& name) const { return folder_ / name; }

  TempDir folder_;
};

TEST_F(NextWeek, IsPredictedIfItsStoreIsLikeThatOfTheModel) {
  ASSERT_EQ(Prep("old", "IT", 1).code, ExitCode::kDone);
  TrainOnOld(/*epochs=*/2);
  ASSERT_EQ(Prep("apart", "KR", 1).code, ExitCode::kDone);
  EXPECT_THAT(Predict("apart").err, HasSubstr("\"land=KR\" and \"land=IT\""));

  const Outcome prepared = Prep("new", "KR", 9, {"--like", At("old")});
  ASSERT_EQ(prepared.code, ExitCode::kDone) << prepared.err;
  EXPECT_THAT(prepared.out, HasSubstr("\"KR\" is none of these"));
  const Outcome predicted = Predict("new");
  EXPECT_EQ(predicted.code, ExitCode::kDone) << predicted.err;
  EXPECT_THAT(predicted.err, Not(HasSubstr("standardised")));
}

TEST_F(NextWeek, HasEncodingsOnTheScaleOfTheOther) {
  ASSERT_EQ(Prep("old", "IT", 1).code, ExitCode::kDone);
  ASSERT_EQ(Prep("new", "IT", 2, {"--like", At("old")}).code, ExitCode::kDone);
  ASSERT_OK_AND_ASSIGN(const Encodings old, ReadEncodings("old"));
  ASSERT_OK_AND_ASSIGN(const Encodings like, ReadEncodings("new"));
  EXPECT_EQ(like.moments.mean, old.moments.mean);
  EXPECT_EQ(like.moments.deviation, old.moments.deviation);

  ASSERT_EQ(Prep("apart", "IT", 2).code, ExitCode::kDone);
  ASSERT_OK_AND_ASSIGN(const Encodings apart, ReadEncodings("apart"));
  EXPECT_NE(apart.moments.deviation, old.moments.deviation);
  ASSERT_EQ(apart.columns.dim(1), 4);
  for (int64_t v = 0; v < kNodes; ++v)
    for (int64_t g = 0; g < 4; ++g) EXPECT_NEAR(like.Before(v, g), apart.Before(v, g), 1e-5);
}

TEST_F(NextWeek, HasEncodingsOfOtherOptionsOnTheirOwnScale) {
  ASSERT_EQ(Prep("old", "IT", 1).code, ExitCode::kDone);
  ASSERT_EQ(Prep("new", "IT", 2, {"--like", At("old")}).code, ExitCode::kDone);
  ASSERT_EQ(Prep("apart", "IT", 2).code, ExitCode::kDone);
  EXPECT_THAT(Encode("new", {"--dim", "5"}), HasSubstr("have other options: method=fastrp dim=4"));
  EXPECT_THAT(Encode("apart", {"--dim", "5"}), Not(HasSubstr("other options")));
  ASSERT_OK_AND_ASSIGN(const Encodings now, ReadEncodings("new"));
  ASSERT_OK_AND_ASSIGN(const Encodings apart, ReadEncodings("apart"));
  EXPECT_EQ(now.moments.deviation, apart.moments.deviation);
  Encode("new", {"--dim", "4"});  // as before
  ASSERT_OK_AND_ASSIGN(const Encodings old, ReadEncodings("old"));
  ASSERT_OK_AND_ASSIGN(const Encodings again, ReadEncodings("new"));
  EXPECT_EQ(again.moments.deviation, old.moments.deviation);
}

TEST_F(NextWeek, FollowsTheOtherStoreIfThatIsEncodedAnew) {
  ASSERT_EQ(Prep("old", "IT", 1).code, ExitCode::kDone);
  ASSERT_EQ(Prep("new", "IT", 2, {"--like", At("old")}).code, ExitCode::kDone);
  Encode("old", {"--dim", "4", "--seed", "7"});
  const Outcome outcome = Prep("new", "IT", 2, {"--like", At("old"), "--seed", "7"});
  ASSERT_EQ(outcome.code, ExitCode::kDone) << outcome.err;
  ASSERT_OK_AND_ASSIGN(const Encodings old, ReadEncodings("old"));
  ASSERT_OK_AND_ASSIGN(const Encodings like, ReadEncodings("new"));
  EXPECT_EQ(like.moments.deviation, old.moments.deviation);
}

TEST_F(NextWeek, IsLikeTheFirstThroughOneThatIsNotEncoded) {
  ASSERT_EQ(Prep("old", "IT", 1).code, ExitCode::kDone);
  ASSERT_EQ(Prep("new", "IT", 2).code, ExitCode::kDone);  // writes the tables
  const auto import = [&](const std::string& name, const std::string& like) {
    const Outcome outcome =
        Quadhop({"import", "--from", At("new_edges.csv"), "--nodes", At("new_nodes.csv"),
                 "--one-hot", "land", "--like", At(like), "--store", At(name)});
    ASSERT_EQ(outcome.code, ExitCode::kDone) << outcome.err;
  };
  import("second", "old");
  import("third", "second");
  Encode("third", {"--dim", "4"});
  ASSERT_OK_AND_ASSIGN(const Encodings old, ReadEncodings("old"));
  ASSERT_OK_AND_ASSIGN(const Encodings third, ReadEncodings("third"));
  EXPECT_EQ(third.moments.deviation, old.moments.deviation);
}

TEST_F(NextWeek, TakesNoScaleOfEncodingsThatMeanNothingOnAnotherGraph) {
  const std::vector<std::string> laplacian = {"--encode-method", "laplacian"};
  ASSERT_EQ(Prep("old", "IT", 1, laplacian).code, ExitCode::kDone);
  ASSERT_EQ(Prep("new", "IT", 2, {"--encode-method", "laplacian", "--like", At("old")}).code,
            ExitCode::kDone);
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Store> store, Store::Open(At("new")));
  EXPECT_EQ(store->manifest().encodings_like(), "");
  EXPECT_FALSE(store->HasFile(kLikeEncodingMomentsFile));
}

TEST_F(NextWeek, IsPreparedAgainIfMomentsAreDamaged) {
  ASSERT_EQ(Prep("old", "IT", 1).code, ExitCode::kDone);
  ASSERT_OK(WriteFileAtomically(At("old/pos_enc_moments.npy"), "?"));
  Encode("old", {"--dim", "4"});
  ASSERT_OK(ReadEncodings("old").status());
  ASSERT_EQ(Prep("new", "IT", 2, {"--like", At("old")}).code, ExitCode::kDone);
  ASSERT_OK(WriteFileAtomically(At("new/like_pos_enc_moments.npy"), "?"));
  const Outcome again = Prep("new", "IT", 2, {"--like", At("old")});
  ASSERT_EQ(again.code, ExitCode::kDone) << again.err;
  ASSERT_OK_AND_ASSIGN(const Encodings old, ReadEncodings("old"));
  ASSERT_OK_AND_ASSIGN(const Encodings like, ReadEncodings("new"));
  EXPECT_EQ(like.moments.deviation, old.moments.deviation);
}

TEST_F(NextWeek, IsWarnedOfIfItsEncodingsAreOnAnotherScale) {
  ASSERT_EQ(Prep("old", "IT", 1).code, ExitCode::kDone);
  TrainOnOld(/*epochs=*/1);
  ASSERT_EQ(Prep("new", "IT", 2, {"--like", At("old")}).code, ExitCode::kDone);
  const Outcome alike = Predict("new");
  EXPECT_EQ(alike.code, ExitCode::kDone) << alike.err;
  EXPECT_THAT(alike.err, Not(HasSubstr("standardised")));
  ASSERT_EQ(Prep("apart", "IT", 2).code, ExitCode::kDone);
  EXPECT_THAT(Predict("apart").err, HasSubstr("the features and encodings of"));
  Encode("new", {"--dim", "5"});
  Encode("new", {"--dim", "4"});  // and the features are as they were
  EXPECT_THAT(Predict("new").err, Not(HasSubstr("standardised")));
}

TEST_F(NextWeek, IsNotWarnedOfIfTheOtherStoreIsMadeAgainOfTheSameTables) {
  ASSERT_EQ(Prep("old", "IT", 1).code, ExitCode::kDone);
  TrainOnOld(/*epochs=*/1);
  EXPECT_THAT(Prep("old", "IT", 1).out, HasSubstr("made anew"));  // the tables are written again
  ASSERT_EQ(Prep("new", "IT", 2, {"--like", At("old")}).code, ExitCode::kDone);
  const Outcome predicted = Predict("new");
  EXPECT_EQ(predicted.code, ExitCode::kDone) << predicted.err;
  EXPECT_THAT(predicted.err, Not(HasSubstr("standardised")));
}

TEST_F(NextWeek, IsNotWarnedOfIfOnlyTheCutDiffers) {
  ASSERT_EQ(Prep("old", "IT", 1).code, ExitCode::kDone);
  TrainOnOld(/*epochs=*/1);
  ASSERT_EQ(Quadhop({"partition", "--store", At("old"), "--parts", "4"}).code, ExitCode::kDone);
  Encode("old", {"--dim", "4"});
  const Outcome recut = Predict("old");
  EXPECT_EQ(recut.code, ExitCode::kDone) << recut.err;
  EXPECT_THAT(recut.err, Not(HasSubstr("standardised")));
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
