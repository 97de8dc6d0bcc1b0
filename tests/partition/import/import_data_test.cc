// Labels, splits and features, as people hand them in.
#include <absl/strings/match.h>

#include "tests/partition/import/formats/format_writers.h"
#include "tests/partition/import/import_fixture.h"

namespace quadhop {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// Four nodes in an edge list.
class NodeData : public ImportOf {
 protected:
  NodeData() { input_.Write("e.txt", "0 1\n1 2\n2 3\n"); }
  absl::StatusOr<ImportReport> ImportWith(const std::string& labels, const std::string& splits = "",
                                          const std::string& features = "",
                                          bool to_be_standardized = false) {
    ImportOptions options = OptionsFor("e.txt");
    options.to_be_standardized = to_be_standardized;
    const auto give = [&](const char* name, const std::string& text, std::string* option) {
      if (text.empty()) return;
      input_.Write(name, text);
      *option = input_ / name;
    };
    give("y.npy", labels, &options.labels);
    give("s.npy", splits, &options.splits);
    give("x.npy", features, &options.features);
    return Import(options, pool_);
  }
  const std::string classes_ = NpyOf<int64_t>({4}, {0, 1, 0, 1});
};

TEST_F(NodeData, TellHowLargeAGraphOfArraysIs) {
  input_.Write("arcs.npy", NpyOf<int64_t>({2, 3}, {0, 1, 2, 1, 2, 3}));
  ImportOptions options = OptionsFor("arcs.npy");
  ASSERT_OK_AND_ASSIGN(absl::optional<PrepShape> shape, MeasureInput(options));
  EXPECT_FALSE(shape.has_value()) << "ids must be read";
  input_.Write("y.npy", classes_);
  options.labels = input_ / "y.npy";
  ASSERT_OK_AND_ASSIGN(shape, MeasureInput(options));
  ASSERT_TRUE(shape.has_value());
  EXPECT_EQ(shape->nodes, 4);
  EXPECT_EQ(shape->features, 0);
  input_.Write("x.npy", NpyOf<float>({4, 2}, std::vector<float>(8)));
  options.features = input_ / "x.npy";
  options.directed = false;
  ASSERT_OK_AND_ASSIGN(shape, MeasureInput(options));
  ASSERT_TRUE(shape.has_value());
  EXPECT_EQ(shape->features, 2);
  EXPECT_EQ(shape->arcs, 6);
  input_.Write("x.npy", NpyOf<float>({}, {1}));
  EXPECT_THAT(MeasureInput(options), StatusIs(kInvalid, HasSubstr("a row for each node")));
}

TEST_F(NodeData, OfAGraphWhoseHeaderSaysHowLargeItIsArePlannedWithIt) {
  input_.Write("x.npy", NpyOf<float>({4, 2}, std::vector<float>(8)));
  const auto expect = [&](const std::string& name, bool directed, int64_t arcs) {
    ImportOptions options = OptionsFor(name);
    options.features = input_ / "x.npy";
    options.directed = directed;
    ASSERT_OK_AND_ASSIGN(const absl::optional<PrepShape> shape, MeasureInput(options));
    ASSERT_TRUE(shape.has_value()) << name;
    EXPECT_EQ(shape->nodes, 4) << name;
    EXPECT_EQ(shape->arcs, arcs) << name;
    EXPECT_EQ(shape->features, 2) << name;
  };
  input_.Write("a.mtx",
               "%%MatrixMarket matrix coordinate pattern symmetric\n4 4 3\n2 1\n3 1\n4 3\n");
  input_.Write("b.mtx", "%%MatrixMarket matrix coordinate pattern general\n4 4 3\n2 1\n3 1\n4 3\n");
  input_.Write("a.graph", "4 3\n2 3\n1\n1 4\n3\n");
  for (const bool directed : {true, false}) {
    expect("a.mtx", directed, 6);
    expect("b.mtx", directed, directed ? 3 : 6);
    expect("a.graph", directed, 6);
  }
}

TEST_F(NodeData, AskWhetherIdsAreCountedFromOne) {
  const std::string question = "node 3, the last: are ids counted from 1?";
  for (const auto& [arcs, asks] : {std::pair(NpyOf<int64_t>({2, 2}, {1, 2, 2, 3}), true),
                                   std::pair(NpyOf<int64_t>({2, 2}, {0, 2, 2, 3}), false),
                                   std::pair(NpyOf<int64_t>({2, 2}, {1, 2, 2, 1}), false)}) {
    input_.Write("arcs.npy", arcs);
    ImportOptions options = OptionsFor("arcs.npy");
    options.features = input_ / "four.npy";
    input_.Write("four.npy", NpyOf<float>({4, 1}, {1, 2, 3, 4}));
    ASSERT_OK_AND_ASSIGN(const ImportReport report, Import(options, pool_));
    EXPECT_EQ(absl::StrContains(report.Describe(), question), asks);
  }
}

TEST_F(NodeData, TellHowManyNodesEachSplitHas) {
  ASSERT_OK_AND_ASSIGN(const ImportReport report,
                       ImportWith(classes_, NpyOf<uint8_t>({2, 4}, {1, 1, 2, 3, 1, 2, 2, 0})));
  EXPECT_THAT(report.Describe(), HasSubstr("\nsplits: split0, split1\n"
                                           "  split0: 2 train, 1 valid, 1 test\n"
                                           "  split1: 1 train, 2 valid, 0 test"));
}

TEST_F(NodeData, NoteSplitsWithoutTrainingOrValidationNodes) {
  ASSERT_OK_AND_ASSIGN(const ImportReport report,
                       ImportWith(classes_, NpyOf<uint8_t>({4}, {1, 1, 3, 3})));
  EXPECT_THAT(report.Describe(), HasSubstr("note: no validation nodes in split"));
  ASSERT_OK_AND_ASSIGN(const ImportReport other,
                       ImportWith(classes_, NpyOf<uint8_t>({4}, {2, 2, 3, 3})));
  EXPECT_THAT(other.Describe(), HasSubstr("note: no training nodes in split"));
}

TEST_F(NodeData, LeaveTrainingNodesWithoutALabelOutOfSplits) {
  ASSERT_OK_AND_ASSIGN(const ImportReport report, ImportWith(NpyOf<int64_t>({4}, {0, -1, -1, 1}),
                                                             NpyOf<uint8_t>({4}, {1, 1, 3, 2})));
  EXPECT_THAT(report.Describe(),
              AllOf(HasSubstr("split: 1 train, 1 valid, 1 test"),
                    HasSubstr("note: split split: 1 training node without a label left out")));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Store> store, Store::Open(output_ / "s.qh"));
  EXPECT_THAT(store->split("split"), IsOkAndHolds(ElementsAre(1, 0, 3, 2)));
}

TEST_F(NodeData, TakeThreeMasksForOneSplit) {
  ASSERT_OK_AND_ASSIGN(
      const ImportReport report,
      ImportWith(classes_, NpyOf<uint8_t>({3, 4}, {1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0})));
  EXPECT_THAT(report.splits, ElementsAre("split"));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Store> store, Store::Open(output_ / "s.qh"));
  ASSERT_OK_AND_ASSIGN(const absl::Span<const uint8_t> split, store->split("split"));
  EXPECT_THAT(split, ElementsAre(1, 2, 3, 1));
  EXPECT_THAT(report.Describe(), HasSubstr("taken as the masks of one split"));
}

TEST_F(NodeData, RefuseMasksThatAreNotThoseOfOneSplit) {
  EXPECT_THAT(
      ImportWith(classes_, NpyOf<uint8_t>({3, 4}, {1, 0, 0, 1, 0, 1, 0, 0, 0, 1, 1, 0})).status(),
      StatusIs(absl::StatusCode::kInvalidArgument,
               AllOf(HasSubstr("node 1 is 1 in both the valid and the test mask"),
                     HasSubstr("do not overlap"))));
  EXPECT_THAT(ImportWith(classes_, NpyOf<uint8_t>({2, 4}, {1, 0, 0, 1, 0, 1, 0, 0})).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("is 2 splits of only 0 and 1; allowed: splits of 0 none")));
}

TEST_F(NodeData, TakeOneHotLabelsForClasses) {
  ASSERT_OK_AND_ASSIGN(
      const ImportReport report,
      ImportWith(NpyOf<float>({4, 3}, {1, 0, 0, 0, 0, 1, 1, 0, 0, NAN, NAN, NAN})));
  EXPECT_FALSE(report.multi_label);
  EXPECT_EQ(report.classes, 3);
  EXPECT_EQ(report.unlabelled, 1);
  EXPECT_THAT(report.Describe(), HasSubstr("labels are one-hot rows: taken as classes"));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Store> store, Store::Open(output_ / "s.qh"));
  ASSERT_OK_AND_ASSIGN(const absl::Span<const int32_t> labels, store->labels());
  EXPECT_THAT(labels, ElementsAre(0, 2, 0, kUnlabelled));
}

TEST_F(NodeData, KeepLabelsOfWhichARowHasSeveralOrNone) {
  ASSERT_OK_AND_ASSIGN(const ImportReport report,
                       ImportWith(NpyOf<float>({4, 2}, {1, 0, 0, 1, 1, 1, 0, 1})));
  EXPECT_TRUE(report.multi_label);
  ASSERT_OK_AND_ASSIGN(const ImportReport other,
                       ImportWith(NpyOf<float>({4, 2}, {1, 0, 0, 1, 0, 0, 0, 1})));
  EXPECT_TRUE(other.multi_label);
  EXPECT_THAT(report.Describe(), testing::Not(HasSubstr("give these nan")));
  EXPECT_THAT(other.Describe(), AllOf(HasSubstr("as 1 of 4 rows have no 1"),
                                      HasSubstr("give these nan in place of the zeros")));
}

TEST_F(NodeData, NameTheFlagThatScalesFeatures) {
  for (const float scale : {1e5f, 1e-5f}) {
    ASSERT_OK_AND_ASSIGN(
        const ImportReport report,
        ImportWith(classes_, "", NpyOf<float>({4, 2}, {1, scale, 2, scale, 3, scale, 4, -scale})));
    EXPECT_EQ(absl::StrContains(report.Describe(), "prep and propagate take --standardize"),
              scale > 1);
  }
  const std::string small = NpyOf<float>({4, 1}, {1e-4f, 0, 2e-4f, 0});
  ASSERT_OK_AND_ASSIGN(const ImportReport report, ImportWith(classes_, "", small));
  EXPECT_THAT(report.Describe(), AllOf(HasSubstr("small: "), HasSubstr("--standardize")));
  ASSERT_OK_AND_ASSIGN(const ImportReport scaled,
                       ImportWith(classes_, "", small, /*to_be_standardized=*/true));
  EXPECT_THAT(scaled.Describe(), Not(HasSubstr("small: ")));
}

TEST_F(NodeData, NoteClassesThatDoNotOccur) {
  ASSERT_OK_AND_ASSIGN(const ImportReport report,
                       ImportWith(NpyOf<int64_t>({4}, {0, 100, 400, 100})));
  EXPECT_THAT(report.Describe(),
              HasSubstr("note: 3 of 401 classes occur, and a model has weights "
                        "for all: number them from 0, and if 400 means no label, "
                        "write -1"));
  ASSERT_OK_AND_ASSIGN(const ImportReport from_one, ImportWith(NpyOf<int64_t>({4}, {1, 2, 3, 1})));
  EXPECT_THAT(from_one.Describe(),
              HasSubstr("note: 3 of 4 classes occur; are they counted from 1?"));
  ASSERT_OK_AND_ASSIGN(const ImportReport gap, ImportWith(NpyOf<int64_t>({4}, {0, 2, 3, 0})));
  EXPECT_THAT(gap.Describe(), HasSubstr("note: 3 of 4 classes occur\n"));
  ASSERT_OK_AND_ASSIGN(const ImportReport dense, ImportWith(classes_));
  EXPECT_THAT(dense.Describe(), Not(HasSubstr("classes occur")));
}

TEST_F(NodeData, ReportHowManyNodesEachOfAFewClassesHas) {
  ASSERT_OK_AND_ASSIGN(const ImportReport few, ImportWith(NpyOf<int64_t>({4}, {1, 0, 2, 1})));
  EXPECT_THAT(few.Describe(), HasSubstr("classes: 3 (1: 2, 0: 1, 2: 1); unlabelled nodes: 0"));
}

TEST_F(NodeData, NoteThatThereIsNothingToLearnOfOneClass) {
  for (const int64_t label : {0, 1}) {
    ASSERT_OK_AND_ASSIGN(const ImportReport report,
                         ImportWith(NpyOf<int64_t>({4}, {label, label, -1, label})));
    EXPECT_THAT(report.Describe(), HasSubstr("note: every label is class " + std::to_string(label) +
                                             ": there is nothing to learn"));
  }
  ASSERT_OK_AND_ASSIGN(const ImportReport two, ImportWith(classes_));
  EXPECT_THAT(two.Describe(), Not(HasSubstr("nothing to learn")));
}

TEST_F(NodeData, SayHowATargetOfRegressionBecomesClasses) {
  EXPECT_THAT(
      ImportWith(NpyOf<double>({4}, {0.5, 1, 2, 3})),
      StatusIs(kInvalid, AllOf(HasSubstr("y.npy element 0 is 0.5; a class is a whole number"),
                               HasSubstr("; quadhop classifies: cut a target of regression "
                                         "into classes, as by quantiles"))));
  EXPECT_THAT(ImportWith(NpyOf<double>({4, 2}, {0.5, 1, 2, 3, 4, 5, 6, 7})),
              StatusIs(kInvalid, HasSubstr("0, 1 or nan; quadhop classifies: ")));
  EXPECT_THAT(ImportWith(NpyOf<double>({4}, {-7, 1, 2, 3})),
              StatusIs(kInvalid, Not(HasSubstr("quadhop classifies"))));
}

TEST_F(NodeData, SayWhatTheNodesAreWhereAnIdIsNone) {
  input_.Write("e.txt", "0 1\n1 10033\n");
  const std::string features = NpyOf<float>({4, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  EXPECT_THAT(
      ImportWith("", "", features),
      StatusIs(kInvalid, AllOf(HasSubstr("e.txt line 2 column 2 is node 10033; node ids are in "
                                         "[0, 4), since "),
                               HasSubstr("x.npy, [4, 2], has a row for each of 4 nodes"),
                               HasSubstr("number the nodes by their rows"))));
  input_.Write("e.txt", "1 2\n3 4\n");
  EXPECT_THAT(ImportWith("", "", features),
              StatusIs(kInvalid, HasSubstr("are ids counted from 1?")));
}

TEST_F(NodeData, SayTheShapeOfFeaturesWhoseRowsAreNotNodes) {
  input_.Write("a.npy", NpyOf<int64_t>({2, 2}, {0, 1, 170, 1}));
  input_.Write("x.npy", NpyOf<float>({2, 4}, {1, 2, 3, 4, 5, 6, 7, 8}));
  ImportOptions options = OptionsFor("a.npy");
  options.features = input_ / "x.npy";
  EXPECT_THAT(Import(options, pool_),
              StatusIs(kInvalid, AllOf(HasSubstr("node 170; node ids are in [0, 2), since "),
                                       HasSubstr("x.npy, [2, 4], has a row for each of 2 nodes"))));
}

TEST_F(NodeData, RefuseFeaturesWithoutColumnsAndBeyond32Bits) {
  EXPECT_THAT(
      ImportWith("", "", NpyOf<float>({4, 0}, {})),
      StatusIs(kInvalid, HasSubstr("x.npy is [4, 0]; a row must have at least one column")));
  EXPECT_THAT(ImportWith("", "", NpyOf<double>({4, 1}, {1, 2, 1e300, 4})),
              StatusIs(kInvalid, HasSubstr("row 2 column 0 is beyond what 32 bits hold")));
}

TEST_F(NodeData, NumberTheIdsOfAnArrayAsOfAnEdgeList) {
  ASSERT_OK_AND_ASSIGN(const ImportReport report,
                       ImportText("a.npy", NpyOf<int64_t>({2, 2}, {0, 7, 200000000, 7})));
  EXPECT_EQ(report.nodes, 3);
  EXPECT_THAT(report.Describe(), HasSubstr("node ids have gaps"));
  EXPECT_THAT(StoredArcs(), ElementsAre(::testing::Pair(0, 2)));
  // So far apart that no memory holds their range.
  ASSERT_OK(ImportText("a.npy", NpyOf<int64_t>({2, 2}, {1, 7, 9189857035718741650, 7})));
  EXPECT_THAT(StoredArcs(), ElementsAre(::testing::Pair(0, 2)));
  EXPECT_EQ(*ReadFile(output_ / "s.qh/original_names.txt"), "1\n7\n9189857035718741650\n");
}

// OGB's folder without split/.
class OgbWithoutSplit : public ImportOf {
 protected:
  void Write(const std::string& format) {
    WriteLittleGraph(format, input_.path());
    std::filesystem::remove_all(input_ / "split");
  }
};

TEST_F(OgbWithoutSplit, GetsOneAtRandom) {
  for (const char* format : {"ogb", "ogb-binary"}) {
    Write(format);
    ASSERT_OK_AND_ASSIGN(const ImportReport report, ImportIt("", format));
    EXPECT_THAT(report.splits, ElementsAre("random"));
  }
}

TEST_F(OgbWithoutSplit, TakesTheOneGiven) {
  for (const char* format : {"ogb", "ogb-binary", "shchur"}) {
    Write(format);
    input_.Write("s.npy", NpyOf<uint8_t>({6}, {1, 2, 3, 1, 2, 3}));
    ImportOptions options = OptionsFor(format == std::string("shchur") ? "g.npz" : "");
    options.format = format;
    options.splits = input_ / "s.npy";
    ASSERT_OK_AND_ASSIGN(const ImportReport report, Import(options, pool_));
    EXPECT_THAT(report.splits, ElementsAre("split")) << format;
  }
}

TEST_F(OgbWithoutSplit, RefusesOneWhereTheInputHasItsOwn) {
  WriteLittleGraph("ogb", input_.path());
  input_.Write("s.npy", NpyOf<uint8_t>({6}, {1, 2, 3, 1, 2, 3}));
  ImportOptions options = OptionsFor("");
  options.splits = input_ / "s.npy";
  EXPECT_THAT(Import(options, pool_), StatusIs(kInvalid, HasSubstr("has splits of its own")));
}

}  // namespace
}  // namespace quadhop
