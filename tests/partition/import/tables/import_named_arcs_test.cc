// Edge lists whose ends are names of nodes.
#include <absl/strings/str_cat.h>

#include "core/files/file.h"
#include "tests/partition/import/tables/tables_fixture.h"

namespace quadhop {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

TEST_F(Tables, LeaveArcsAsideThatNameNoNodeUpToATenth) {
  const std::string nodes = "id,x\na,1\nb,2\nc,3\n";
  std::string edges = "a,b\nc,ghost\nb,c\nspook,a\n";
  for (int i = 0; i < 16; ++i) absl::StrAppend(&edges, "a,b\n");
  ASSERT_OK_AND_ASSIGN(const ImportReport report, ImportTables(edges, {nodes}));
  EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 1), Pair(1, 2)));
  EXPECT_THAT(report.Describe(), HasSubstr("2 arcs of 20 name a node that "));
  EXPECT_THAT(
      report.Describe(),
      HasSubstr("nodes0.csv does not have, first \"ghost\" in line 2 column 2: left aside"));
  EXPECT_THAT(ErrorOf("src,dst\nA,B\nb,c\nB,C\n", nodes),
              StatusIs(kInvalid, HasSubstr("edges.csv: 2 arcs of 3 name a node that ")));
  EXPECT_THAT(
      ErrorOf("001,002\n", "id,x\n1,1\n2,2\n"),
      StatusIs(kInvalid,
               HasSubstr("nodes0.csv column 1 (id) (--id takes another, --ends other ends), of "
                         "which the first is \"1\"")));
}

TEST_F(Tables, OfEdgesHaveAHeaderWhereNoFieldOfTheFirstLineIsANodeOrANumber) {
  const std::string nodes = "id,x\na,1\nb,2\n\"c, d\",3\n";
  for (const char* edges :
       {"a,b\nb,\"c, d\"\n", "a\tb\nb\tc, d\n", "person,friend\na,b\nb,\"c, d\"\n",
        "w,dst,src\n1,b,a\n2,\"c, d\",b\n", "# from here\n:START_ID,:END_ID\na,b\nb,\"c, d\"\n",
        ",from,to\n0,a,b\n1,b,\"c, d\"\n", "sep=;\nfromId;weight;toId\na;1;b\nb;2;c, d\n",
        ":START_ID(P),role,:END_ID(P)\na,x,b\nb,y,\"c, d\"\n"}) {
    ASSERT_OK(ImportTables(edges, {nodes})) << edges;
    EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 1), Pair(1, 2))) << edges;
  }
}

TEST_F(Tables, OfEdgesMayAllBeginAsCommentsDo) {
  ASSERT_OK(ImportTables("# by tags\n#a,#b\n", {"tag,x\n#a,1\n#b,2\n"}));
  EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 1)));
  ASSERT_OK(ImportTables("one,two\n#a,#b\n", {"tag,x\n#a,1\n#b,2\n"}));
  EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 1)));
  EXPECT_THAT(ErrorOf("one,two\n", "tag,x\n#a,1\n"),
              StatusIs(kInvalid, HasSubstr("edges.csv has no arcs below its header")));
  EXPECT_THAT(ErrorOf(std::string("BZh9\0\0", 6), "tag,x\n#a,1\n"),
              StatusIs(kInvalid, HasSubstr("edges.csv is compressed")));
}

TEST_F(Tables, HaveNamesWithQuotesAndHashesInThem) {
  ASSERT_OK(ImportTables("#love,\"M\"\"x\"\", \"\"2\"\n# a comment\nb,#love\n",
                         {"id,x\n#love,1\n\"M\"\"x\"\", \"\"2\",2\nb,3\n"}));
  EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 1), Pair(2, 0)));
  EXPECT_EQ(*ReadFile(output_ / "s.qh/original_names.txt"), "#love\nM\"x\", \"2\nb\n");
}

TEST_F(Tables, OfEdgesHaveTheirEndsInTheColumnsThatAreNodes) {
  const std::string nodes = "id,x\n1,5\n2,6\n3,7\n4,8\n";
  for (const char* edges :
       {"id,user1,user2\n1,1,2\n2,3,4\n", "weight,user_id,friend_id\n1,1,2\n2,3,4\n",
        "node1,weight,node2\n1,0.5,2\n3,0.25,4\n", "user,when,friend\n1,2001,2\n3,2002,4\n",
        ",user1,user2,kind\n3,1,2,x\n4,3,4,x\n", "Unnamed: 0,user1,user2\n3,1,2\n4,3,4\n",
        ",0,1\n1,1,2\n2,3,4\n", "\"one\" \"two\"\n\"1\" 1 2\n\"2\" 3 4\n" /* R's write.table */}) {
    ASSERT_OK(ImportTables(edges, {nodes})) << edges;
    EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 1), Pair(2, 3))) << edges;
  }
}

TEST_F(Tables, OfEdgesMustSayWhichAreTheEndsWhereMoreColumnsAreNodes) {
  const std::string nodes = "id,x\n1,5\n2,6\n3,7\n4,8\n";
  const struct {
    const char* edges;
    const char* ends;
  } cases[] = {{"1 1 2 4\n1 3 4 3\n", "2,3"},
               {"employee,manager,years\n1,2,1\n3,4,2\n", "employee,manager"},
               {"year,to_whom,by_whom\n1,2,1\n2,4,3\n", "by_whom,to_whom"}};
  for (const auto& [edges, ends] : cases) {
    EXPECT_THAT(
        ImportTables(edges, {nodes}),
        StatusIs(kInvalid, HasSubstr("edges.csv: columns 1, 2 and 3 all hold names of nodes: "
                                     "say which are the ends of arcs, --ends SRC,DST")));
    ImportOptions options = OptionsFor("edges.csv");
    options.nodes = {input_ / "nodes0.csv"};
    options.ends = ends;
    ASSERT_OK(Import(options, pool_)) << edges;
    EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 1), Pair(2, 3))) << edges;
    for (const char* wrong : {"2", "7,8", "src,dst", "1,2,3"}) {
      options.ends = wrong;
      EXPECT_THAT(Import(options, pool_), StatusIs(kInvalid, HasSubstr("two columns of ")))
          << wrong;
    }
  }
}

TEST_F(Tables, AreRefusedWhereAnEdgeNamesWhatIsTakenForTheHeader) {
  EXPECT_THAT(ErrorOf("n0,n1\nn1,n2\n", "n0,x\nn1,y\nn2,x\n"),
              StatusIs(kInvalid, HasSubstr("nodes0.csv line 1 is taken for a header, but ")));
}

TEST_F(Tables, OfEdgesMayHaveAHeaderAFieldShortWhereWhatComesFirstIsNoEnd) {
  const std::string nodes = "id,x\n1,5\n2,6\n3,7\n4,8\n";
  for (const char* edges : {"\"one\" \"two\"\n\"17\" 1 2\n\"23\" 3 4\n", "from,to\n1,1,2\n2,3,4\n",
                            "from,to\n1,2,\n3,4,\n"}) {
    ASSERT_OK(ImportTables(edges, {nodes})) << edges;
    EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 1), Pair(2, 3))) << edges;
  }
  EXPECT_THAT(ErrorOf("from,to\n4,1,2\n2,3,4\n", nodes),
              StatusIs(kInvalid, HasSubstr("edges.csv line 1 has 2 names, and the first arc has 3 "
                                           "fields: name every column")));
}

TEST_F(Tables, OfEdgesHaveTheEndsThatAreNamedWhateverTheHeaderSays) {
  ImportOptions options = OptionsFor("edges.csv");
  options.nodes = {input_ / "nodes.csv"};
  input_.Write("nodes.csv", "id,x\na,5\nb,6\nc,7\n");
  input_.Write("edges.csv", "when,from,whom\n2001,a,b\n2002,b,c\n");
  for (const char* ends : {"", "from,whom", "FROM,whom"}) {
    options.ends = ends;
    ASSERT_OK(Import(options, pool_)) << ends;
    EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 1), Pair(1, 2))) << ends;
  }
  options.ends = "from,from";
  EXPECT_THAT(Import(options, pool_), StatusIs(kInvalid, HasSubstr("two columns of ")));
}

}  // namespace
}  // namespace quadhop
