// Tables of nodes and edges as people export them.
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>

#include "core/file.h"
#include "core/store.h"
#include "tests/partition/import/formats/format_writers.h"
#include "tests/partition/import/import_fixture.h"

namespace quadhop {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;

class Tables : public ImportOf {
 protected:
  // Of edges, and of tables of nodes.
  absl::StatusOr<ImportReport> ImportTables(const std::string& edges,
                                            const std::vector<std::string>& tables,
                                            const std::string& label = "") {
    input_.Write("edges.csv", edges);
    ImportOptions options = OptionsFor("edges.csv");
    for (size_t i = 0; i < tables.size(); ++i) {
      const std::string name = absl::StrCat("nodes", i, ".csv");
      input_.Write(name, tables[i]);
      options.nodes.push_back(input_ / name);
    }
    options.label = label;
    return Import(options, pool_);
  }
  absl::Status ErrorOf(const std::string& edges, const std::string& nodes,
                       const std::string& label = "") {
    return ImportTables(edges, {nodes}, label).status();
  }
  std::unique_ptr<Store> OpenStore() const { return Store::Open(output_ / "s.qh").value(); }
  std::vector<float> Features() const {  // of all nodes, one after another
    const std::unique_ptr<Store> store = OpenStore();
    const auto values = store->array("raw.npy").value()->values<float>();
    return {values.begin(), values.end()};
  }
  std::vector<int32_t> Labels() const {
    const std::unique_ptr<Store> store = OpenStore();
    const auto labels = store->labels().value();
    return {labels.begin(), labels.end()};
  }
  std::vector<std::string> ClassNames() const {
    const std::unique_ptr<Store> store = OpenStore();
    const auto& names = store->manifest().class_names();
    return {names.begin(), names.end()};
  }
  std::vector<int> Split() const {
    const std::unique_ptr<Store> store = OpenStore();
    const auto split = store->split("").value();
    return {split.begin(), split.end()};
  }
};

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
                        "features in 3 columns, age to w; not used: city"));
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
  ASSERT_OK(ImportTables("a\tb\n", {"a\t3\t0\nb\t2\t1\n"}, "2"));
  EXPECT_THAT(Features(), ElementsAre(0, 1));
  EXPECT_THAT(ClassNames(), ElementsAre("2", "3"));
}

TEST_F(Tables, TakeTheColumnOfLabelsThatIsNamed) {
  const std::string nodes = "id,label,Kind\na,1,x\nb,0,y\n";
  ASSERT_OK(ImportTables("a,b\n", {nodes}, "kind"));
  EXPECT_THAT(ClassNames(), ElementsAre("x", "y"));
  EXPECT_THAT(Features(), ElementsAre(1, 0));
  EXPECT_THAT(ErrorOf("a,b\n", nodes, "colour"),
              StatusIs(kInvalid, HasSubstr("--label colour is no column of --nodes: ")));
  EXPECT_THAT(ErrorOf("a,b\n", nodes, "colour"),
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
  EXPECT_THAT(ErrorOf("a,b\n", "id,y\na,0.25\nb,7\n"),
              StatusIs(kInvalid, HasSubstr("nodes0.csv column 2 has the label 0.25: classes are "
                                           "whole numbers or names")));
}

TEST_F(Tables, HaveListsOfNumbersForFeatures) {
  for (const char* list : {"\"1, 2\"", "\"[1, 2]\"", "[1 2]", "\"[1. 2.]\"", "1;2"}) {
    ASSERT_OK(ImportTables("a,b\n", {absl::StrCat("id,feat,w\na,", list, ",3\nb,", list, ",4\n")}))
        << list;
    EXPECT_THAT(Features(), ElementsAre(1, 2, 3, 1, 2, 4)) << list;
  }
}

TEST_F(Tables, LeaveColumnsAsideThatAreNotAllNumbersOrNotAsMany) {
  ASSERT_OK_AND_ASSIGN(const ImportReport report,
                       ImportTables("a,b\n", {"id,zip,words,x\na,1,\"1,2\",5\nb,K1,3,6\n"}));
  EXPECT_THAT(Features(), ElementsAre(5, 6));
  EXPECT_THAT(report.Describe(), HasSubstr("1 feature in x; not used: words, zip"));
}

TEST_F(Tables, HaveMasksForASplit) {
  ASSERT_OK(ImportTables("a,b\n", {"id,train_mask,val_mask,test_mask,x\n"
                                   "a,True,False,False,1\nb,0,1,0,2\nc,,,1,3\nd,0,0,0,4\n"}));
  EXPECT_THAT(Split(), ElementsAre(1, 2, 3, 0));
  EXPECT_THAT(Features(), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(ErrorOf("a,b\n", "id,train_mask,test_mask\na,1,1\nb,0,1\n"),
              StatusIs(kInvalid, HasSubstr("nodes0.csv line 2 column 3 (test_mask) is true; the "
                                           "node is in another part of the split already")));
  EXPECT_THAT(ErrorOf("a,b\n", "id,train_mask\na,7\nb,0\n"),
              StatusIs(kInvalid, HasSubstr("line 2 column 2 (train_mask) is \"7\"; a mask is")));
  EXPECT_THAT(ErrorOf("a,b\n", "id,split\na,train\nb,holdout\n"),
              StatusIs(kInvalid, HasSubstr("line 3 column 2 (split) is \"holdout\"; a node is in "
                                           "train, val or test")));
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
              StatusIs(kInvalid, HasSubstr("nodes1.csv has features, but no line of node \"b\"")));
  EXPECT_THAT(ImportTables("a,b\n", {first, "id,z\na,1\nc,2\n"}),
              StatusIs(kInvalid, HasSubstr("nodes1.csv line 3 is \"c\"; there is no such node")));
  EXPECT_THAT(ImportTables("a,b\n", {first, "id,z\na,1\na,2\n"}),
              StatusIs(kInvalid, HasSubstr("nodes1.csv line 3 is \"a\"; another line is of that")));
  EXPECT_THAT(ImportTables("a,b\n", {first, first}),
              StatusIs(kInvalid, HasSubstr("nodes1.csv both have labels")));
}

TEST_F(Tables, LeaveArcsAsideThatNameNoNodeUnlessTheyAreMost) {
  const std::string nodes = "id,x\na,1\nb,2\nc,3\n";
  ASSERT_OK_AND_ASSIGN(const ImportReport report,
                       ImportTables("a,b\nc,ghost\nb,c\nspook,a\n", {nodes}));
  EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 1), Pair(1, 2)));
  EXPECT_THAT(report.Describe(), HasSubstr("2 arcs of 4 name a node that "));
  EXPECT_THAT(report.Describe(),
              HasSubstr("nodes0.csv has not, first \"ghost\" in line 2 column 2: left aside"));
  EXPECT_THAT(ErrorOf("src,dst\nA,B\nb,c\nB,C\n", nodes),
              StatusIs(kInvalid, HasSubstr("edges.csv: 2 arcs of 3 name a node that ")));
}

TEST_F(Tables, OfEdgesHaveAHeaderWhereNeitherEndOfTheFirstLineIsANode) {
  const std::string nodes = "id,x\na,1\nb,2\n\"c, d\",3\n";
  for (const char* edges :
       {"a,b\nb,\"c, d\"\n", "person,friend\na,b\nb,\"c, d\"\n", "w,dst,src\n1,b,a\n2,\"c, d\",b\n",
        "# from here\n:START_ID,:END_ID\na,b\nb,\"c, d\"\n", ",from,to\n0,a,b\n1,b,\"c, d\"\n"}) {
    ASSERT_OK(ImportTables(edges, {nodes})) << edges;
    EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 1), Pair(1, 2))) << edges;
  }
}

TEST_F(Tables, NameTheLineThatIsWrong) {
  EXPECT_THAT(ErrorOf("a,b\n", "id,x\na,1\n\nb,2\n"),
              StatusIs(kInvalid, HasSubstr("nodes0.csv line 3 is \"\"; it has 1 field, the first "
                                           "line has 2: every line is one node")));
  EXPECT_THAT(ErrorOf("a,b\n", "id,x\na,1\n,2\n"),
              StatusIs(kInvalid, HasSubstr("nodes0.csv line 3 names no node")));
  EXPECT_THAT(ErrorOf("a,b\n", "id,x\na,1\nb,2\na,3\n"),
              StatusIs(kInvalid, HasSubstr("nodes0.csv line 4: node \"a\" stands in line 2 too")));
  EXPECT_THAT(ErrorOf("a,b\nb\n", "id,x\na,1\nb,2\n"),
              StatusIs(kInvalid, HasSubstr("edges.csv line 2 is \"b\"; the names of two nodes")));
  EXPECT_THAT(ErrorOf("a,b\nb,a,1\n", "id,x\na,1\nb,2\n"),
              StatusIs(kInvalid, HasSubstr("edges.csv line 2 is \"b,a,1\"; it has 3 fields")));
  EXPECT_THAT(ErrorOf("a,b\n", ""), StatusIs(kInvalid, HasSubstr("nodes0.csv has no line")));
  // An entry beyond those by which a column is known for one of numbers.
  std::string nodes = "id,x\na,1\nb,2\n";
  for (int i = 0; i < 1000; ++i) absl::StrAppend(&nodes, "n", i, ",1\n");
  for (const char* wrong : {"", "x", "inf", "nan"})
    EXPECT_THAT(ErrorOf("a,b\n", absl::StrCat(nodes, "last,", wrong, "\n")),
                StatusIs(kInvalid, HasSubstr(absl::StrCat("nodes0.csv line 1004 column 2 (x) is \"",
                                                          wrong, "\"; features must be finite"))));
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
              StatusIs(kInvalid, HasSubstr("--nodes and --label are for edge lists that name")));
  options = OptionsFor("e.txt");
  options.format = "tables";
  EXPECT_THAT(Import(options, pool_), StatusIs(kInvalid, HasSubstr("give --nodes")));
  EXPECT_THAT(ImportText("e.txt", "a b\nb c\n", "edge-list"),
              StatusIs(kInvalid, HasSubstr("where nodes have names, --nodes gives the table")));
}

TEST_F(Tables, AreEqualWhateverTheChunksAndThreads) {
  std::string nodes = "id,x,label\n", edges = "src,dst\n";
  for (int v = 0; v < 200000; ++v) {
    absl::StrAppend(&nodes, "node-", v, ",", v % 1000, ",class ", v % 7, "\n");
    absl::StrAppend(&edges, "node-", v, ",node-", (v * 31) % 200000, "\n");
  }
  ASSERT_GT(nodes.size(), size_t{4} << 20);  // several chunks
  ASSERT_OK(ImportTables(edges, {nodes}));
  const Arcs arcs = StoredArcs();
  ASSERT_EQ(arcs.size(), 199990u);  // every 20000th is its own
  EXPECT_EQ(arcs[122], std::make_pair(int64_t{123}, int64_t{123 * 31}));
  const std::vector<float> features = Features();
  const std::vector<int32_t> labels = Labels();
  for (size_t v = 0; v < features.size(); ++v) {
    ASSERT_EQ(features[v], static_cast<float>(v % 1000));
    ASSERT_EQ(labels[v], static_cast<int32_t>(v % 7));
  }
}

}  // namespace
}  // namespace quadhop
