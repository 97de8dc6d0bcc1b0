// Tables of nodes and edges as people export them.
#include <absl/strings/str_cat.h>

#include "core/base/casts.h"
#include "core/files/file.h"
#include "partition/import/tables/node_names.h"
#include "tests/partition/import/formats/format_writers.h"
#include "tests/partition/import/tables/tables_fixture.h"

namespace quadhop {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST_F(Tables, NumberNodesAsTheyStandInTheTable) {
  ASSERT_OK(ImportTables("z,a\nm,z\n", {"id,x\nz,1\nm,2\na,3\n"}));
  EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 2), Pair(1, 0)));
  EXPECT_EQ(*ReadFile(output_ / "s.qh/original_names.txt"), "z\nm\na\n");
  EXPECT_THAT(Features(), ElementsAre(1, 2, 3));
}

TEST_F(Tables, TakeNumbersForNamesToo) {
  ASSERT_OK(ImportTables("700 5\n5 12\n", {"5 0.5 b\n12 1 a\n700 1.5 b\n"}));
  EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 1), Pair(2, 0)));
  EXPECT_THAT(Features(), ElementsAre(0.5, 1, 1.5));
  EXPECT_THAT(Labels(), ElementsAre(1, 0, 1));
}

TEST_F(Tables, HaveColumnsByTheirNamesInAnyOrder) {
  ASSERT_OK_AND_ASSIGN(
      const ImportReport report,
      ImportTables("a,b\n", {"age,Label,city,node_id,split,ok,w\n"
                             "7,red,rome,a,train,True,-1\n8,blue,,b,Validation,False,2\n"}));
  EXPECT_THAT(Features(), ElementsAre(7, 1, -1, 8, 0, 2));
  EXPECT_THAT(Labels(), ElementsAre(1, 0));
  EXPECT_THAT(ClassNames(), ElementsAre("blue", "red"));
  EXPECT_THAT(Split(), ElementsAre(1, 2));
  EXPECT_THAT(report.Describe(),
              HasSubstr("nodes0.csv: names in node_id, labels in Label, the split in split, 3 "
                        "features: age, ok, w; not used: city"));
}

TEST_F(Tables, HaveAHeaderWhoseNamesAreNumbersWhereThatOfNamesIsNone) {
  for (const char* first : {"", "id", "\"\"", "Node"}) {
    ASSERT_OK(ImportTables("a,b\n", {absl::StrCat(first, ",0,1,label\na,5,6,x\nb,7,8,y\n")}))
        << first;
    EXPECT_THAT(Features(), ElementsAre(5, 6, 7, 8));
    EXPECT_THAT(Labels(), ElementsAre(0, 1));
  }
}

TEST_F(Tables, MayHaveNoHeader) {
  ASSERT_OK(ImportTables("a\tb\n", {"a\t1\t0\tNeural, or not\nb\t0\t1\tTheory\n"}));
  EXPECT_THAT(Features(), ElementsAre(1, 0, 0, 1));
  EXPECT_THAT(ClassNames(), ElementsAre("Neural, or not", "Theory"));
  // Then a column goes by its number.
  ASSERT_OK(ImportTables("a\tb\n", {"a\t3\t0\nb\t2\t1\n"}, {.label = "2"}));
  EXPECT_THAT(Features(), ElementsAre(0, 1));
  EXPECT_THAT(ClassNames(), ElementsAre("2", "3"));
}

TEST_F(Tables, TakeTheColumnOfLabelsThatIsNamed) {
  const std::string nodes = "id,label,Kind\na,1,x\nb,0,y\n";
  ASSERT_OK(ImportTables("a,b\n", {nodes}, {.label = "kind"}));
  EXPECT_THAT(ClassNames(), ElementsAre("x", "y"));
  EXPECT_FALSE(OpenStore()->HasFile("raw.npy"));  // labels of another kind are no features
  EXPECT_THAT(ErrorOf("a,b\n", nodes, {.label = "colour"}),
              StatusIs(kInvalid, HasSubstr("--label colour is no column of --nodes: ")));
  EXPECT_THAT(ErrorOf("a,b\n", nodes, {.label = "colour"}),
              StatusIs(kInvalid, HasSubstr("has the columns Kind, id, label")));
}

TEST_F(Tables, KeepClassesThatAreNumberedFrom0AndNumberOthersInTheirOrder) {
  ASSERT_OK(ImportTables("a,b\n", {"id,label\na,1\nb,0\nc,nan\nd,-1\ne,1.0\n"}));
  EXPECT_THAT(Labels(), ElementsAre(1, 0, -1, -1, 1));
  EXPECT_THAT(ClassNames(), IsEmpty());
  ASSERT_OK(ImportTables("a,b\n", {"id,label\na,10\nb,9\nc,Unknown\nd,10\n"}));
  EXPECT_THAT(Labels(), ElementsAre(1, 0, -1, 1));
  EXPECT_THAT(ClassNames(), ElementsAre("9", "10"));
  ASSERT_OK(ImportTables("a,b\n", {"id,label\na,none of it\nb,9\nc,\nd,\"x, y\"\n"}));
  EXPECT_THAT(ClassNames(), ElementsAre("9", "none of it", "x, y"));
  EXPECT_THAT(
      ErrorOf("a,b\n", "id,y\na,0.25\nb,7\n"),
      StatusIs(kInvalid,
               HasSubstr("nodes0.csv column 2 (y) has the label 0.25: classes are whole numbers or "
                         "names; name another column, --label COLUMN; or, as quadhop classifies: "
                         "cut a target of regression into classes, as by quantiles, ")));
}

TEST_F(Tables, HaveListsOfNumbersForFeatures) {
  for (const char* list : {"\"1, 2\"", "\"[1,2]\"", "\"1.0,2.0\"", "[1 2]", "\"[1. 2.]\"", "1;2"}) {
    ASSERT_OK(ImportTables("a,b\n", {absl::StrCat("id,feat,w\na,", list, ",3\nb,", list, ",4\n")}))
        << list;
    EXPECT_THAT(Features(), ElementsAre(1, 2, 3, 1, 2, 4)) << list;
  }
}

TEST_F(Tables, LeaveColumnsAsideThatAreNotAllNumbersOrNotAsMany) {
  ASSERT_OK_AND_ASSIGN(const ImportReport report,
                       ImportTables("a,b\n", {"id,zip,words,x\na,1,\"1,2\",5\nb,K1,3,6\n"}));
  EXPECT_THAT(Features(), ElementsAre(5, 6));
  EXPECT_THAT(report.Describe(), HasSubstr("1 feature: x; not used: words, zip"));
  // Neither decimal commas nor telephone numbers are lists.
  ASSERT_OK(ImportTables("a,b\n", {"id\tw\ttel\tx\na\t1,5\t030 1000\t5\nb\t2,5\t040 200\t6\n"}));
  EXPECT_THAT(Features(), ElementsAre(5, 6));
  ASSERT_OK(ImportTables(
      "a,b\n", {"id,w,v,x\na,\"1,234,567\",\"1,234.56\",5\nb,\"2,345,678\",\"2,345.67\",6\n"}));
  EXPECT_THAT(Features(), ElementsAre(5, 6));
  ASSERT_OK(ImportTables("a;b\n", {"id;w;v;x\na;1,5;45.200,00;5\nb;-2,25;1.000,00;6\n"}));
  EXPECT_THAT(Features(), ElementsAre(1.5, 5, -2.25, 6));
}

TEST_F(Tables, HaveMasksForASplit) {
  ASSERT_OK(ImportTables("a,b\n", {"id,train_mask,val_mask,test_mask,x\n"
                                   "a,True,False,False,1\nb,0,1,0,2\nc,,,1,3\nd,0,0,0,4\n"}));
  EXPECT_THAT(Split(), ElementsAre(1, 2, 3, 0));
  EXPECT_THAT(Features(), ElementsAre(1, 2, 3, 4));
  ASSERT_OK(ImportTables("a,b\n", {"id,train,valid,test\na,0,0,1\nb,t,f,f\n"}));
  EXPECT_THAT(Split(), ElementsAre(3, 1));
  EXPECT_THAT(ErrorOf("a,b\n", "id,train_mask,val_mask,test_mask\na,1,0,t\nb,0,1,0\n"),
              StatusIs(kInvalid, HasSubstr("nodes0.csv line 2 column 4 (test_mask) is true; the "
                                           "node is in another part of the split already")));
  EXPECT_THAT(ErrorOf("a,b\n", "id,train_mask,valid_mask,test_mask\na,7,0,0\nb,0,0,0\n"),
              StatusIs(kInvalid, HasSubstr("line 2 column 2 (train_mask) is \"7\"; a mask is")));
  EXPECT_THAT(ErrorOf("a,b\n", "id,split\na,train\nb,holdout\n"),
              StatusIs(kInvalid, HasSubstr("line 3 column 2 (split) is \"holdout\"; a node is in "
                                           "train, val or test")));
  EXPECT_THAT(
      ErrorOf("a,b\n", "id,train_mask\na,1\nb,0\n"),
      StatusIs(kInvalid, HasSubstr("nodes0.csv: a split is the columns train_mask, val_mask "
                                   "and test_mask, or train, val and test, all three")));
}

TEST_F(Tables, HaveASplitInTwoOfItsThreeColumnsByMistake) {
  for (const char* header : {"id,train,test,x\n", "id,is_train,is_test,x\n"})
    EXPECT_THAT(ErrorOf("a,b\n", absl::StrCat(header, "a,1,0,5\nb,0,1,6\n")),
                StatusIs(kInvalid, HasSubstr("train, val and test, all three")));
  ASSERT_OK(ImportTables("a,b\n", {"id,is_train,is_val,is_test\na,1,0,0\nb,0,0,1\n"}));
  EXPECT_THAT(Split(), ElementsAre(1, 3));
  ASSERT_OK(ImportTables("a,b\n", {"id,train\na,1\nb,3\n"}));  // of any kind
  EXPECT_THAT(Features(), ElementsAre(1, 3));
}

TEST_F(Tables, RefuseAQuoteThatDoesNotClose) {
  EXPECT_THAT(ErrorOf("a,b\n", "id,x\na,1\n\"b,2\n"),
              StatusIs(kInvalid, HasSubstr("a quote that opens in it closes in it")));
  EXPECT_OK(ErrorOf("a,b\n", "id,x,note\na,1,5\" disk\nb,2,\n"));
}

// They are ids, of which a model learns nothing.
TEST_F(Tables, HaveNoFeaturesOfNumbersInHex) {
  ASSERT_OK(ImportTables("a,b\n", {"id,address,x\na,0x1F,1\nb,0x2e,2\n"}));
  EXPECT_THAT(Features(), ElementsAre(1, 2));
}

TEST_F(Tables, SayWhatAFileIsThatIsNoTable) {
  const auto message = [&](const std::string& text) {
    return std::string(ErrorOf("a,b\n", text).message());
  };
  EXPECT_THAT(message("[{\"id\": \"a\"}]"), HasSubstr("nodes0.csv is JSON"));
  EXPECT_THAT(message("BZh91AY"), HasSubstr("is compressed, other than by gzip"));
  EXPECT_THAT(message("\xff\xfei"), HasSubstr("is text in UTF-16"));
  EXPECT_THAT(message("\xFD\x37zXZ"), HasSubstr("is compressed"));
}

TEST_F(Tables, TellMoreOfTheSameNodesInFurtherTables) {
  ASSERT_OK(ImportTables("t1,t2\n", {"t1,0.5\nt2,0.25\nt3,1\n", "txId,class\nt3,2\nt1,unknown\n",
                                     "id,x\nt3,30\nt1,10\nt2,20\n"}));
  EXPECT_THAT(Features(), ElementsAre(0.5, 10, 0.25, 20, 1, 30));
  EXPECT_THAT(Labels(), ElementsAre(-1, -1, 0));
  EXPECT_THAT(ClassNames(), ElementsAre("2"));
}

TEST_F(Tables, RefuseFurtherTablesThatDoNotFitTheFirst) {
  const std::string first = "id,x,label\na,1,0\nb,2,1\n";
  EXPECT_THAT(ImportTables("a,b\n", {first, "id,z\na,1\n"}),
              StatusIs(kInvalid, HasSubstr("nodes1.csv has features, but no line for node \"b\"")));
  EXPECT_THAT(ImportTables("a,b\n", {first, "id,z\na,1\nc,2\n"}),
              StatusIs(kInvalid, HasSubstr("nodes1.csv line 3 is \"c\"; there is no such node")));
  EXPECT_THAT(ImportTables("a,b\n", {first, "id,z\na,1\na,2\n"}),
              StatusIs(kInvalid, HasSubstr("nodes1.csv: several lines are for node \"a\"")));
  EXPECT_THAT(
      ImportTables("a,b\n", {first, "a train\nb test\n"}),
      StatusIs(kInvalid, HasSubstr("nodes1.csv line 1 is taken for a header, but \"a\" is")));
  EXPECT_THAT(ImportTables("a,b\n", {first, first}),
              StatusIs(kInvalid, HasSubstr("nodes1.csv both have labels")));
}

TEST_F(Tables, MayHaveANodeThatIsCalledAsTheColumnOfNames) {
  ASSERT_OK(
      ImportTables("word,graph\n", {"word,label\nword,0\ngraph,1\n", "Word,x\ngraph,2\nword,1\n"}));
  EXPECT_THAT(Labels(), ElementsAre(0, 1));
  EXPECT_THAT(Features(), ElementsAre(1, 2));
}

TEST_F(Tables, NameTheLineThatIsWrong) {
  EXPECT_THAT(ErrorOf("a,b\n", ""), StatusIs(kInvalid, HasSubstr("nodes0.csv is empty")));
  EXPECT_THAT(ErrorOf("a,b\n", std::string("PK\3\4\0\0", 6)),
              StatusIs(kInvalid, HasSubstr("nodes0.csv is compressed")));
  EXPECT_THAT(ErrorOf("a,b\n", "id,x\ra,1\rb,2\r"),
              StatusIs(kInvalid, HasSubstr("a carriage return stands in it")));
  EXPECT_THAT(ErrorOf("a,b\n", "id,x\na,\"1\n\"\nb,2\n"),
              StatusIs(kInvalid, HasSubstr("every line is one node")));
  EXPECT_THAT(ErrorOf("a,b\n", "id,x\na,1\n\nb,2\n"),
              StatusIs(kInvalid, HasSubstr("nodes0.csv line 3 is \"\"; it has 1 field, the first "
                                           "line has 2: every line is one node")));
  EXPECT_THAT(ErrorOf("a,b\n", "id,x\na,1\n,2\n"),
              StatusIs(kInvalid, HasSubstr("nodes0.csv line 3 names no node")));
  EXPECT_THAT(
      ErrorOf("a,b\n", "id,x\na,1\nb,2\na,3\n"),
      StatusIs(
          kInvalid,
          HasSubstr("nodes0.csv line 4: node \"a\" stands in line 2 too; names of nodes are taken "
                    "from column 1 (id)")));
  EXPECT_THAT(ErrorOf("a,b\nb\n", "id,x\na,1\nb,2\n"),
              StatusIs(kInvalid, HasSubstr("edges.csv line 2 is \"b\"; the names of two nodes")));
  EXPECT_THAT(ErrorOf("a,b\nb,a,1\n", "id,x\na,1\nb,2\n"),
              StatusIs(kInvalid, HasSubstr("edges.csv line 2 is \"b,a,1\"; it has 3 fields")));
  // An entry beyond those by which a column is known for one of numbers.
  std::string nodes = "id,x\na,1\nb,2\n";
  for (int i = 0; i < 1000; ++i) absl::StrAppend(&nodes, "n", i, ",1\n");
  for (const char* wrong : {"x", "inf", "\"1, 2\""}) {
    EXPECT_THAT(ErrorOf("a,b\n", absl::StrCat(nodes, "last,", wrong, "\n")),
                StatusIs(kInvalid, HasSubstr("nodes0.csv line 1004 column 2 (x) is \"")));
    ASSERT_OK(
        ImportTables("a,b\n", {absl::StrCat(nodes, "last,", wrong, "\n")}, {.left_out = {"x"}}));
    EXPECT_FALSE(OpenStore()->HasFile("raw.npy"));
  }
}

TEST_F(Tables, GoWithArraysOfFeaturesAndLabelsInTheirOrder) {
  input_.Write("edges.csv", "a,b\n");
  input_.Write("nodes.csv", "id,x,label\nb,1,u\na,2,v\n");
  input_.Write("x.npy", NpyOf<float>({2, 1}, {7, 8}));
  input_.Write("y.npy", NpyOf<int64_t>({2}, {1, 0}));
  ImportOptions options = OptionsFor("edges.csv");
  options.nodes = {input_ / "nodes.csv"};
  options.features = input_ / "x.npy";
  options.labels = input_ / "y.npy";
  ASSERT_OK_AND_ASSIGN(const ImportReport report, Import(options, pool_));
  EXPECT_THAT(Features(), ElementsAre(7, 8));
  EXPECT_THAT(Labels(), ElementsAre(1, 0));
  EXPECT_THAT(ClassNames(), IsEmpty());
  EXPECT_THAT(report.Describe(), HasSubstr("features are those of --features, not of --nodes"));
}

TEST_F(Tables, AreForEdgeListsAlone) {
  input_.Write("nodes.csv", "id,x\na,1\n");
  input_.Write("e.txt", "0 1\n");
  ImportOptions options = OptionsFor("e.txt");
  options.format = "edge-list";
  options.nodes = {input_ / "nodes.csv"};
  EXPECT_THAT(Import(options, pool_),
              StatusIs(kInvalid, HasSubstr("--nodes is for edge lists that name nodes; the format "
                                           "is edge-list")));
  options = OptionsFor("e.txt");
  options.label = "x";
  EXPECT_THAT(Import(options, pool_),
              StatusIs(kInvalid, HasSubstr("go with --nodes, which is not given")));
  options = OptionsFor("e.txt");
  options.format = "tables";
  EXPECT_THAT(Import(options, pool_), StatusIs(kInvalid, HasSubstr("give --nodes")));
  EXPECT_THAT(ImportText("e.txt", "a b\nb c\n", "edge-list"),
              StatusIs(kInvalid, HasSubstr("if nodes have names, --nodes gives the table")));
}

TEST_F(Tables, HaveNamesInTheColumnThatIsMostLikeThem) {
  for (const char* nodes :
       {"x,id\n5,a\n6,b\n", ",id,x\n0,a,5\n1,b,6\n", "Unnamed: 0,user_id,x\n0,a,5\n1,b,6\n",
        "x,userId\n5,a\n6,b\n", "name,personId:ID,x:int\nq,a,5\nr,b,6\n", ",x\na,5\nb,6\n",
        "x\na 5\nb 6\n" /* R's write.table */, "# of the crm, v2\nid,x\na,5\nb,6\n",
        "sep=;\nid;x\na;5\nb;6\n", "city_id,id,x\n1,a,5\n2,b,6\n", "paper_id,0\na,5\nb,6\n",
        "nid,0\na,5\nb,6\n", "\xef\xbb\xbfid,x\r\na,5\r\nb,6\r\n\r\n\n"}) {
    ASSERT_OK(ImportTables("b,a\n", {nodes})) << nodes;
    EXPECT_THAT(StoredArcs(), ElementsAre(Pair(1, 0))) << nodes;
    EXPECT_THAT(Features(), ElementsAre(5, 6)) << nodes;
  }
  ASSERT_OK(ImportTables("b,a\n", {"id,login,x\n1,a,5\n2,b,6\n"}, {.id = "login"}));
  EXPECT_THAT(Features(), ElementsAre(5, 6));  // of id none
  ASSERT_OK(ImportTables("b,a\n", {"1 a 5\n2 b 6\n"}, {.id = "2", .left_out = {"1"}}));
  EXPECT_THAT(Features(), ElementsAre(5, 6));
}

TEST_F(Tables, UseNoColumnThatIsLeftOut) {
  ASSERT_OK(ImportTables("b,a\n", {"x,login\n5,a\n6,b\n"}, {.left_out = {"x"}}));
  EXPECT_THAT(StoredArcs(), ElementsAre(Pair(1, 0)));
  ASSERT_OK(ImportTables("b,a\n", {"5 a\n6 b\n"}, {.id = "2"}));
  EXPECT_FALSE(OpenStore()->HasFile("labels.npy"));  // names are no labels
  EXPECT_THAT(
      ErrorOf("b,a\n", "id,x\na,5\nb,6\n", {.id = "id", .left_out = {"id"}}),
      StatusIs(kInvalid, HasSubstr("nodes0.csv: id is to be left out, --leave-out, and to be "
                                   "used")));
  EXPECT_THAT(ErrorOf("b,a\n", "id,x\na,5\n", {.left_out = {"id", "x"}}),
              StatusIs(kInvalid, HasSubstr("all columns are to be left out")));
}

TEST_F(Tables, HaveAFeatureForEachTextOfAColumnThatIsOneHot) {
  const std::vector<std::string> nodes = {"id,city,x,zip\na,Rome,5,10\nb,,6,9\nc,Oslo,7,10\n",
                                          "id,w,kind\nc,3,u\nb,2,u\na,1,v\n"};
  ASSERT_OK_AND_ASSIGN(const ImportReport report,
                       ImportTables("a,b\n", nodes, {.one_hot = {"zip", "kind", "CITY"}}));
  EXPECT_THAT(Features(), ElementsAre(5, 1, 0, 0, 1, 1, 0, 1,    // a: x; zip 10, 9; Oslo, Rome
                                      6, 0, 1, 0, 0, 2, 1, 0,    // b: ...; w; kind u, v
                                      7, 1, 0, 1, 0, 3, 1, 0));  // c
  EXPECT_THAT(report.Describe(), HasSubstr("nodes0.csv column 2 (city), 2 features"));
  EXPECT_THAT(
      OpenStore()->manifest().feature_names(),
      ElementsAre("x", "zip=10", "zip=9", "city=Oslo", "city=Rome", "w", "kind=u", "kind=v"));
}

TEST_F(Tables, RefuseAOneHotColumnThatIsNoneOrAnother) {
  const std::string nodes = "id,label,city,none,split\na,0,Rome,,train\nb,1,Oslo,nan,test\n";
  const auto error_of = [&](const std::string& column) {
    return ErrorOf("a,b\n", nodes, {.one_hot = {column}});
  };
  EXPECT_THAT(error_of("town"), StatusIs(kInvalid, HasSubstr("--one-hot town is no column of")));
  EXPECT_THAT(error_of("label"),
              StatusIs(kInvalid, HasSubstr("--one-hot label is the column of labels; --label")));
  EXPECT_THAT(error_of("id"), StatusIs(kInvalid, HasSubstr("is the column of names")));
  EXPECT_THAT(error_of("split"), StatusIs(kInvalid, HasSubstr("is the column of a split")));
  EXPECT_THAT(error_of("none"), StatusIs(kInvalid, HasSubstr("column 4 (none) has nothing for")));
  EXPECT_THAT(ErrorOf("a,b\n", nodes, {.left_out = {"city"}, .one_hot = {"city"}}),
              StatusIs(kInvalid, HasSubstr("city is to be left out, --leave-out, and to be used")));
  std::string many = "id,city\n";
  for (int i = 0; i <= 1000; ++i) absl::StrAppend(&many, "n", i, ",city ", i, "\n");
  EXPECT_THAT(ErrorOf("n0,n1\n", many, {.one_hot = {"city"}}),
              StatusIs(kInvalid, HasSubstr("column 2 (city) has more than 1000 different texts")));
}

TEST_F(Tables, HaveOneColumnOfLabels) {
  ASSERT_OK(ImportTables("a,b\n", {"id,x,y,label\na,1,2,0\nb,3,4,1\n"}));
  EXPECT_THAT(Features(), ElementsAre(1, 2, 3, 4));  // coordinates
  EXPECT_THAT(ErrorOf("a,b\n", "id,class,label\na,1,0\nb,0,1\n"),
              StatusIs(kInvalid, HasSubstr("nodes0.csv: class and label may both be the column of "
                                           "labels: name it, --label COLUMN")));
  std::string nodes = "id,label\n";
  for (int v = 0; v < 60; ++v) absl::StrAppend(&nodes, v, ",node ", v, "\n");
  EXPECT_THAT(ErrorOf("0,1\n", nodes),
              StatusIs(kInvalid, HasSubstr("nodes0.csv column 2 (label) has 60 different labels of "
                                           "60 nodes: name the column of classes")));
  EXPECT_OK(ErrorOf("0,1\n", nodes, {.label = "label"}));
}

TEST_F(Tables, SayWhichWordsAreTakenForNoLabel) {
  ASSERT_OK_AND_ASSIGN(const ImportReport report,
                       ImportTables("a,b\n", {"id,label\na,x\nb,\\N\nc,None\nd,#N/A\ne,\nf,y\n"}));
  EXPECT_THAT(Labels(), ElementsAre(0, -1, -1, -1, -1, 1));
  EXPECT_THAT(report.Describe(), HasSubstr("unlabelled: \"\", \"#N/A\", \"None\", \"\\N\" of"));
}

TEST_F(Tables, HaveTheMeanOfTheirColumnForFeaturesThatAreMissing) {
  ASSERT_OK_AND_ASSIGN(
      const ImportReport report,
      ImportTables("a,b\n", {"id,x,w,f\na,-nan,1,\"[1, nan]\"\nb,2,NA,\nc,5,4,[3 4]\n"}));
  EXPECT_THAT(Features(), ElementsAre(3.5, 1, 1, 4, 2, 2.5, 2, 4, 5, 4, 3, 4));
  EXPECT_THAT(report.Describe(),
              HasSubstr("5 missing features in 4 columns are set to the mean of the others"));
}

TEST_F(Tables, MayHaveAHeaderThatNumpyWritesAndOneThatIsAFieldShort) {
  ASSERT_OK(ImportTables("1,2\n", {"\n# made by savetxt\n# id,x,label\n1,5,0\n2,6,1\n"}));
  EXPECT_THAT(Features(), ElementsAre(5, 6));
  EXPECT_THAT(Labels(), ElementsAre(0, 1));
  ASSERT_OK(ImportTables("1,2\n", {"id,x,label\n1,5,0,\n2,6,1,\n"}));  // a comma too many
  EXPECT_THAT(Features(), ElementsAre(5, 6));
  EXPECT_THAT(Labels(), ElementsAre(0, 1));
  EXPECT_THAT(ErrorOf("1,2\n", "id,text,label\n1,a, b,0\n2,c,1\n"),
              StatusIs(kInvalid, HasSubstr("nodes0.csv line 2 is \"1,a, b,0\"; it has 4 fields")));
}

TEST_F(Tables, HaveColumnsByTheirExactNamesFirst) {
  const std::string nodes = "id,Group,group,go,go:0005\na,1,0,5,6\nb,0,1,7,8\n";
  ASSERT_OK(ImportTables("a,b\n", {nodes}, {.label = "group", .left_out = {"go"}}));
  EXPECT_THAT(Labels(), ElementsAre(0, 1));
  EXPECT_THAT(Features(), ElementsAre(1, 6, 0, 8));
  ASSERT_OK(ImportTables("a,b\n", {"id,leak,leak,x\na,1,1,5\nb,2,2,6\n"}, {.left_out = {"leak"}}));
  EXPECT_THAT(Features(), ElementsAre(5, 6));
  EXPECT_THAT(ErrorOf("a,b\n", "id,k,k\na,1,1\nb,0,0\n", {.label = "k"}),
              StatusIs(kInvalid, HasSubstr("--label k are columns 2 and 3: give them names that")));
}

TEST_F(Tables, HaveTheNamesOfFurtherTablesInTheColumnThatIsCalledAsInTheFirst) {
  ASSERT_OK(ImportTables(
      "7,6\n", {"person_id,x\n7,1\n6,2\n", "id,person_id,team_id,label\n6,7,1,a\n7,6,1,b\n"}));
  EXPECT_THAT(Labels(), ElementsAre(0, 1));
}

TEST_F(Tables, KeepLabelsOfSignsAndOfLeadingZeros) {
  ASSERT_OK(ImportTables("a,b\n", {"id,label\na,-1\nb,1\nc,+1\n"}));
  EXPECT_THAT(Labels(), ElementsAre(0, 1, 1));
  EXPECT_THAT(ClassNames(), ElementsAre("-1", "1"));
  ASSERT_OK(ImportTables("a,b\n", {"id,label\na,-2\nb,-1\nc,1\n"}));
  EXPECT_THAT(Labels(), ElementsAre(0, 1, 2));
  ASSERT_OK(ImportTables("a,b\n", {"id,label\na,01\nb,1\nc,-1\n"}));
  EXPECT_THAT(Labels(), ElementsAre(0, 1, -1));
  EXPECT_THAT(ClassNames(), ElementsAre("01", "1"));
}

TEST_F(Tables, HaveNoSplitBesideOneThatIsGiven) {
  input_.Write("edges.csv", "a,b\n");
  input_.Write("nodes.csv", "id,x,label,split\nb,1,u,train\na,2,v,test\n");
  input_.Write("s.npy", NpyOf<uint8_t>({2}, {1, 3}));
  ImportOptions options = OptionsFor("edges.csv");
  options.nodes = {input_ / "nodes.csv"};
  options.splits = input_ / "s.npy";
  EXPECT_THAT(Import(options, pool_), StatusIs(kInvalid, HasSubstr("nodes.csv has one: leave")));
  options.left_out = {"split"};
  EXPECT_OK(Import(options, pool_));
}

TEST_F(Tables, AreMeasuredByTheirFirstLines) {
  std::string nodes = "id,x,label\n", edges;
  for (int v = 0; v < 200000; ++v) {
    absl::StrAppend(&nodes, "n", 100000 + v, ",", v % 10, ",c\n");
    absl::StrAppend(&edges, "n", 100000 + v, ",n100007\n");
  }
  input_.Write("edges.csv", edges);
  input_.Write("nodes.csv", nodes);
  ImportOptions options = OptionsFor("edges.csv");
  options.nodes = {input_ / "nodes.csv"};
  ASSERT_OK_AND_ASSIGN(const absl::optional<PrepShape> shape, MeasureInput(options));
  ASSERT_TRUE(shape.has_value());
  EXPECT_TRUE(shape->estimated);
  EXPECT_NEAR(AsDouble(shape->nodes), 200000, 100);
  EXPECT_NEAR(AsDouble(shape->arcs), 200000, 100);
  EXPECT_EQ(shape->features, 1);
  EXPECT_NEAR(AsDouble(shape->name_bytes), AsDouble(NodeNames::Bytes(1600000, 200000)), 2000);
}

TEST_F(Tables, AreRefusedWhereMemoryDoesNotHoldTheNames) {
  std::string nodes = "id,x\n";
  for (int v = 0; v < 100000; ++v) absl::StrAppend(&nodes, "node number ", v, ",1\n");
  input_.Write("edges.csv", "node number 1,node number 2\n");
  input_.Write("nodes.csv", nodes);
  ImportOptions options = OptionsFor("edges.csv");
  options.nodes = {input_ / "nodes.csv"};
  options.memory_bytes = int64_t{2} << 20;
  EXPECT_THAT(Import(options, pool_),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("the names of ")));
}

TEST_F(Tables, AreEqualWhateverTheChunksAndThreads) {
  std::string nodes = "id,x,label\n", edges = "src,dst\n";
  for (int v = 0; v < 200000; ++v) {
    absl::StrAppend(&nodes, "node-", v, ",", v % 1000, ",class ", v % 7, "\n");
    absl::StrAppend(&edges, "node-", v, ",node-", (v * 31) % 200000, "\n");
  }
  ASSERT_GT(nodes.size(), size_t{4} << 20);  // several chunks
  input_.Write("edges.csv", edges);
  input_.Write("nodes.csv", nodes);
  ImportOptions options = OptionsFor("edges.csv");
  options.nodes = {input_ / "nodes.csv"};
  for (const int threads : {1, 8}) {
    ThreadPool pool(threads);
    ASSERT_OK(Import(options, pool));
    const Arcs arcs = StoredArcs();
    ASSERT_EQ(arcs.size(), 199990u);  // every 20000th is its own
    EXPECT_EQ(arcs[122], std::make_pair(int64_t{123}, int64_t{123} * 31));
    const std::vector<float> features = Features();
    const std::vector<int32_t> labels = Labels();
    for (size_t v = 0; v < features.size(); ++v) {
      ASSERT_EQ(features[v], static_cast<float>(v % 1000));
      ASSERT_EQ(labels[v], static_cast<int32_t>(v % 7));
    }
  }
  // A node twice, in lines of two chunks.
  absl::StrAppend(&nodes, "node-3,1,class 1\n");
  input_.Write("nodes.csv", nodes);
  EXPECT_THAT(Import(options, pool_),
              StatusIs(kInvalid, HasSubstr("nodes.csv line 200002: node \"node-3\" stands in line "
                                           "5 too")));
}

}  // namespace
}  // namespace quadhop
