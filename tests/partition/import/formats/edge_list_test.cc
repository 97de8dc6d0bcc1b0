// Edge lists as people write them.
#include <absl/strings/str_cat.h>
#include <absl/strings/str_replace.h>

#include "core/files/file.h"
#include "tests/partition/import/formats/format_writers.h"
#include "tests/partition/import/import_fixture.h"

namespace quadhop {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

class EdgeList : public ImportOf {
 protected:
  absl::Status ErrorOf(const std::string& text, const std::string& name = "e.txt") {
    return ImportText(name, text, "edge-list").status();
  }
};

TEST_F(EdgeList, MayBeginWithAByteOrderMark) {
  const std::string text =
      "\xef\xbb\xbf"
      "0 1\n1 2\n";
  ASSERT_OK(ImportText("e.txt", text));
  EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 1), Pair(1, 2)));
  ASSERT_OK(ImportText("e.txt.gz", GzipOf(text)));
  EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 1), Pair(1, 2)));
}

TEST_F(EdgeList, IsRefusedInUtf16) {
  for (const std::string& text : {std::string("\xFF\xFE"
                                              "0\0 \0"
                                              "1\0\r\0\n\0",
                                              12),
                                  std::string("\xFE\xFF\0"
                                              "0\0 \0"
                                              "1\0\n",
                                              10)})
    for (const char* format : {"auto", "edge-list"})
      for (const std::string name : {"e.txt", "edges.csv"})
        EXPECT_THAT(ImportText(name, text, format),
                    StatusIs(kInvalid, HasSubstr(name + " is text in UTF-16: iconv -f UTF-16 -t "
                                                        "UTF-8 FILE > NEW converts it")));
}

TEST_F(EdgeList, HasAHeaderOnlyWhereNoFieldOfTheFirstLineIsANumber) {
  EXPECT_THAT(ErrorOf("0 x\n1 2\n"),
              StatusIs(kInvalid, HasSubstr("e.txt line 1 is \"0 x\"; two node ids are needed")));
  EXPECT_THAT(ErrorOf("a,b,0.5\n1,2,3\n"), StatusIs(kInvalid, HasSubstr("e.txt line 1 is")));
  EXPECT_THAT(ImportText("edges.csv", "0,x\n1,2\n"), StatusIs(kInvalid, HasSubstr("line 1 is")));
  ASSERT_OK_AND_ASSIGN(const ImportReport report, ImportText("e.csv", "\"a\",\"b\"\n0,1\n1,2\n"));
  EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 1), Pair(1, 2)));
  EXPECT_THAT(report.Describe(), HasSubstr("line 1 is a header"));
}

TEST_F(EdgeList, IsRecognisedByTheEdgesAfterItsHeaderWhateverItsName) {
  for (const char* text :
       {"src;dst\n0;1\n1;2\n", "node1|node2\n0|1\n1|2\n", "# nodes: 3\nfrom to\n\n0 1\n1 2\n"}) {
    ASSERT_OK(ImportText("graph.txt", text)) << text;
    EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 1), Pair(1, 2))) << text;
  }
  EXPECT_FALSE(ImportText("graph.txt", "a readme\nof two lines\n").ok());
}

TEST_F(EdgeList, HasNoHeaderWhereTheFirstLineIsAnArcWithBlanksAndTabsAround) {
  for (const char* first : {"0 1\t", "0 1 \t", "0  1\t ", "\t0 1", "0\t1\t", " 0 1"}) {
    const std::string rest = absl::StrReplaceAll(first, {{"1", "2"}, {"0", "1"}});
    ASSERT_OK_AND_ASSIGN(const ImportReport report,
                         ImportText("e.tsv", absl::StrCat(first, "\n", rest, "\n")));
    EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 1), Pair(1, 2))) << first;
    EXPECT_THAT(report.Describe(), Not(HasSubstr("header"))) << first;
  }
}

TEST_F(EdgeList, MayHaveItsIdsInQuotes) {
  ASSERT_OK(ImportText("e.csv", "\"src\",\"dst\"\n\"0\",\"1\"\n\"1\",\"2\"\n"));
  EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 1), Pair(1, 2)));
  ASSERT_OK(ImportText("e.csv", "\"0\",\"1\"\n\"1\",\"2\"\n"));
  EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 1), Pair(1, 2)));
}

TEST_F(EdgeList, IsRefusedWhereLinesEndInCarriageReturnsAlone) {
  EXPECT_THAT(ErrorOf("0 1\r1 2\r"), StatusIs(kInvalid, HasSubstr("carriage return")));
  EXPECT_THAT(ErrorOf("a b\r0 1\r1 2\r"), StatusIs(kInvalid, HasSubstr("carriage return")));
  ASSERT_OK(ImportText("e.txt", "0 1\r\n1 2\r\n"));
  EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 1), Pair(1, 2)));
}

TEST_F(EdgeList, TakesTheColumnsThatItsHeaderNames) {
  for (const char* header :
       {",src,dst", "weight,Source,Target", "x,\"u\",\"v\"", "id, from ,to", "id,head,tail"}) {
    ASSERT_OK_AND_ASSIGN(const ImportReport report,
                         ImportText("e.csv", std::string(header) + "\n7,0,2\n8,1,0\n"));
    EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 2), Pair(1, 0))) << header;
    EXPECT_THAT(report.Describe(), HasSubstr("further columns are left aside"));
  }
  ASSERT_OK(ImportText("e.tsv", "dst\ttext\tsrc\n0\ta b\t2\n1\tc\t0\n", "edge-list"));
  EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 1), Pair(2, 0)));
}

TEST_F(EdgeList, IsRefusedWhereAFirstColumnMayNumberItsLines) {
  std::string lines;
  for (int i = 0; i < 40; ++i)
    absl::StrAppend(&lines, i, ",", (i * 7) % 40, ",", (i * 3) % 40, "\n");
  EXPECT_THAT(
      ErrorOf(lines),
      StatusIs(kInvalid, HasSubstr("e.txt: column 1 ascends through the first 40 arcs: does "
                                   "it number them? --ends 2,3 takes")));
  EXPECT_THAT(ErrorOf("tx,payer,payee\n" + lines),
              StatusIs(kInvalid, HasSubstr("column tx ascends through the first 40 arcs: does it "
                                           "number them? --ends payer,payee takes")));
  ImportOptions options = OptionsFor("e.txt");
  options.ends = "tx,payer";
  EXPECT_OK(Import(options, pool_));
  EXPECT_OK(ErrorOf("src,dst,w\n" + lines));
  EXPECT_OK(ErrorOf("source,receiver,w\n" + lines));
  EXPECT_OK(ErrorOf("0 7 8\n" + absl::StrReplaceAll(lines, {{",", " "}}))) << "0 stands twice";
  // Times are no ends.
  ASSERT_OK(ImportText("e.csv", "timestamp,payer,payee\n7,0,2\n8,1,0\n"));
  EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 2), Pair(1, 0)));
}

TEST_F(EdgeList, SkipsAFirstColumnWithoutAName) {
  ASSERT_OK(ImportText("e.csv", ",node_1,node_2\n5,0,2\n6,1,0\n"));
  EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 2), Pair(1, 0)));
  EXPECT_THAT(ErrorOf(",0,1\n0,5,6\n"), StatusIs(kInvalid, HasSubstr("line 1 is \",0,1\"")));
}

// The other end has no name that is known.
TEST_F(EdgeList, HasItsFirstTwoColumnsForEndsWhereOneIsNamed) {
  for (const char* header : {"id,target,time", "u,w,time", "source,id,time", "from,index,year"}) {
    ASSERT_OK(ImportText("e.csv", absl::StrCat(header, "\n0,2,7\n1,0,7\n")));
    EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 2), Pair(1, 0))) << header;
  }
}

TEST_F(EdgeList, IsRefusedWhereItsFirstLineIsInHex) {
  EXPECT_THAT(ErrorOf("0x1F,0x2E\n3,4\n"), StatusIs(kInvalid, HasSubstr("two node ids")));
}

TEST_F(EdgeList, SkipsColumnsThatAreNoEndsByTheirNames) {
  ASSERT_OK(ImportText("e.csv", "edge_id,weight,a,b\n5,1,0,2\n6,1,1,0\n"));
  EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 2), Pair(1, 0)));
}

TEST_F(EdgeList, HasItsEndsInTheColumnsThatTheUserNames) {
  const auto import_with = [&](const std::string& text, const std::string& ends) {
    input_.Write("e.csv", text);
    ImportOptions options = OptionsFor("e.csv");
    options.ends = ends;
    return Import(options, pool_).status();
  };
  ASSERT_OK(import_with("src,dst,other\n7,0,2\n7,1,0\n", "other,dst"));
  EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 1), Pair(2, 0)));
  ASSERT_OK(import_with("7,0,2\n7,1,0\n", "2,3"));
  EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 2), Pair(1, 0)));
  EXPECT_THAT(import_with("7,0,2\n7,1,0\n", "2,4"),
              StatusIs(kInvalid, HasSubstr("by numbers from 1 to 3")));
}

TEST_F(EdgeList, IsNoMatrixAndNoListsOfNeighbours) {
  EXPECT_THAT(ErrorOf("0 1 1 0 0 1 0\n1 0 0 0 1 1 1\n"),
              StatusIs(kInvalid, HasSubstr("it has 7 fields: an edge list has one arc a line")));
}

TEST_F(EdgeList, IsRefusedWhereItsHeaderNamesOneEndOnly) {
  EXPECT_THAT(ErrorOf("id,src,b\n0,5,6\n"),
              StatusIs(kInvalid, HasSubstr("names one end of an arc, but not the other")));
}

TEST_F(EdgeList, IsRefusedWhereLinesHaveDifferentNumbersOfFields) {
  EXPECT_THAT(ErrorOf("0 1 2 3\n1 4\n"),
              StatusIs(kInvalid, HasSubstr("e.txt line 2 is \"1 4\"; it has 2 fields, the first "
                                           "edge has 4")));
  EXPECT_THAT(ErrorOf("0,1\n1,4,5\n"), StatusIs(kInvalid, HasSubstr("it has 3 fields")));
  EXPECT_THAT(ErrorOf("src,dst,w\n0,1,2\n1,4\n"), StatusIs(kInvalid, HasSubstr("line 3")));
}

TEST_F(EdgeList, MayHaveAnEmptyLastColumn) {
  ASSERT_OK(ImportText("e.tsv", "src\tdst\tnote\n0\t1\tx\n1\t2\t\n", "edge-list"));
  EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 1), Pair(1, 2)));
  ASSERT_OK(ImportText("e.csv", "0,1,x\n1,2,\n"));
  EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 1), Pair(1, 2)));
  ASSERT_OK(ImportText("e.txt", "0 1 \n1 2\n"));
  EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 1), Pair(1, 2)));
}

TEST_F(EdgeList, SaysThatFurtherColumnsAreLeftAside) {
  ASSERT_OK_AND_ASSIGN(const ImportReport weighted, ImportText("e.txt", "0 1 0.5\n1 2 2\n"));
  EXPECT_THAT(weighted.Describe(), HasSubstr("note: further columns are left aside: 1\n"));
  ASSERT_OK_AND_ASSIGN(const ImportReport plain, ImportText("e.txt", "0 1 \n1\t2\r\n2 0\n"));
  EXPECT_THAT(plain.Describe(), Not(HasSubstr("further columns")));
  ASSERT_OK(ImportText("e.csv", "0,1,\n1,2,some text\n"));
  EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 1), Pair(1, 2)));
}

// By source, as SNAP's are.
std::string ManyEdges(int64_t num_nodes) {
  std::string text;
  for (int64_t v = 0; v < num_nodes; ++v)
    for (int64_t i = 1; i <= 8; ++i)
      absl::StrAppend(&text, v, "\t", (v * 7919 + i * 104729) % num_nodes, "\n");
  return text;
}

TEST_F(EdgeList, IsMeasuredByItsFirstLines) {
  constexpr int64_t kNodes = 60'000;
  const std::string text = ManyEdges(kNodes);
  ASSERT_GT(text.size(), size_t{5} << 20);
  input_.Write("e.txt", text);
  input_.Write("e.txt.gz", GzipOf(text));
  for (const char* name : {"e.txt", "e.txt.gz"}) {
    ASSERT_OK_AND_ASSIGN(const auto shape, MeasureInput(OptionsFor(name)));
    ASSERT_TRUE(shape.has_value());
    EXPECT_TRUE(shape->estimated);
    const auto nodes = static_cast<double>(kNodes);
    EXPECT_NEAR(static_cast<double>(shape->nodes), nodes, 0.05 * nodes) << name;
    EXPECT_NEAR(static_cast<double>(shape->arcs), 8 * nodes, 0.25 * 8 * nodes) << name;
  }
}

TEST_F(EdgeList, IsMeasuredByWhatItsCommentSays) {
  input_.Write("e.txt", "# Nodes: 3 Edges: 3\n7 1000000\n5 7\n7 7\n");
  ASSERT_OK_AND_ASSIGN(auto shape, MeasureInput(OptionsFor("e.txt")));
  ASSERT_TRUE(shape.has_value());
  EXPECT_EQ(shape->nodes, 3);
  EXPECT_EQ(shape->arcs, 3);
  input_.Write("e.txt", "7 1000000\n5 7\n7 7\n");
  ASSERT_OK_AND_ASSIGN(shape, MeasureInput(OptionsFor("e.txt")));
  EXPECT_EQ(shape->nodes, 6) << "as many as arcs have ends";
}

TEST_F(EdgeList, OfSelfLoopsAloneIsSaidToHaveNoArcs) {
  ASSERT_OK_AND_ASSIGN(const ImportReport report, ImportText("e.txt", "0 0\n1 1\n"));
  EXPECT_THAT(report.Describe(), HasSubstr("note: there are no arcs between two nodes"));
}

TEST_F(EdgeList, RefusesNegativeIds) {
  EXPECT_THAT(ErrorOf("0 1\n-1 -1\n"),
              StatusIs(kInvalid, HasSubstr("e.txt line 2 is \"-1 -1\"; node ids are at least 0")));
}

TEST_F(EdgeList, IsRefusedWhereItsFirstLineMayHoldCounts) {
  for (const char* text : {"4 3\n0 1\n1 2\n2 3\n", "# a graph\n4,3\n1,2\n2,3\n3,4\n"})
    EXPECT_THAT(
        ErrorOf(text),
        StatusIs(kInvalid, HasSubstr("3\"; these may be the numbers of nodes and arcs, since 3 "
                                     "lines follow and their largest id is")));
  EXPECT_OK(ErrorOf("0 1\n1 2\n2 3\n4 3\n"));
  EXPECT_OK(ErrorOf("9 3\n0 1\n1 2\n2 3\n"));  // an id, not the number of nodes
  EXPECT_OK(ErrorOf("4 7\n0 1\n1 2\n2 3\n"));  // not the number of arcs
  EXPECT_OK(ErrorOf("src dst\n0 1\n1 2\n2 0\n"));
}

TEST_F(EdgeList, NumbersIdsWithGapsInTheirOrderAndKeepsThem) {
  ASSERT_OK_AND_ASSIGN(const ImportReport report, ImportText("e.txt", "7 1000000\n5\t7\n7 7\n"));
  EXPECT_THAT(report.Describe(), HasSubstr("; nodes without out-neighbours: 1\n"));
  EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 1), Pair(1, 2)));
  EXPECT_EQ(*ReadFile(output_ / "s.qh/original_names.txt"), "5\n7\n1000000\n");
}

}  // namespace
}  // namespace quadhop
