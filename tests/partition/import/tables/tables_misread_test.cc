// What in tables is easily taken for something else than it is.
#include <absl/strings/str_cat.h>

#include "tests/partition/import/formats/format_writers.h"
#include "tests/partition/import/tables/tables_fixture.h"

namespace quadhop {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST_F(Tables, SayWhichFeaturesMayTellTheLabels) {
  ASSERT_OK_AND_ASSIGN(
      const ImportReport report,
      ImportTables("a,b\n",
                   {"id,x,Label,label_code,labels2,labelled\na,5,u,0,1,2\nb,6,v,1,1,2\n"}));
  EXPECT_THAT(report.Describe(), HasSubstr("4 features: x, label_code, labels2, labelled; named as "
                                           "labels are: label_code: if made from the labels"));
  // With codes in any order.
  std::string nodes = "id,x,kind,code\n";
  for (int v = 0; v < 60; ++v)
    absl::StrAppend(&nodes, v, ",", v, ",k", v % 3, ",", 5 - v % 6, "\n");
  ASSERT_OK_AND_ASSIGN(const ImportReport other, ImportTables("0,1\n", {nodes}, {.label = "kind"}));
  EXPECT_THAT(other.Describe(), HasSubstr("feature code tells the class of every labelled node"));
}

TEST_F(Tables, SayWhichColumnsWouldBeNumbersWithoutCommas) {
  ASSERT_OK_AND_ASSIGN(
      const ImportReport report,
      ImportTables("a\tb\n", {"id\tw\tx\tcity\na\t0,5\t1\tBern\nb\t1,25\t2\tRome\n"}));
  EXPECT_THAT(report.Describe(), HasSubstr("no numbers, because of commas: w (write 0.5 for 0,5"));
  ASSERT_OK_AND_ASSIGN(
      const ImportReport plain,
      ImportTables("a,b\n", {"id,w,x,city\na,0.5,1,\"Bern, CH\"\nb,1.25,2,\"Rome, IT\"\n"}));
  EXPECT_THAT(plain.Describe(), ::testing::Not(HasSubstr("because of commas")));
}

TEST_F(Tables, RefuseColumnsThatLookLikeSeveralLabels) {
  for (const char* names : {"label_0,label_1", "class 1,class 2", "target0,target1"})
    EXPECT_THAT(ErrorOf("a,b\n", absl::StrCat("id,x,", names, "\na,5,1,0\nb,6,1,1\n")),
                StatusIs(kInvalid, HasSubstr("look like several labels a node")))
        << names;
  const std::string nodes = "id,x,label_0,label_1,kind\na,5,1,0,u\nb,6,1,1,v\n";
  EXPECT_THAT(
      ErrorOf("a,b\n", nodes),
      StatusIs(kInvalid, HasSubstr("nodes0.csv: label_0 to label_1 look like several labels "
                                   "a node, and there is no column of labels: several are "
                                   "given as an array [N, L] of 0 and 1, --labels Y.npy")));
  ASSERT_OK(ImportTables("a,b\n", {nodes}, {.left_out = {"label_0", "label_1"}}));
  EXPECT_THAT(Features(), ElementsAre(5, 6));
  ASSERT_OK(ImportTables("a,b\n", {nodes}, {.label = "kind"}));
  EXPECT_THAT(Features(), ElementsAre(5, 1, 0, 6, 1, 1));
  EXPECT_OK(ErrorOf("a,b\n", "id,label_0,h1,h2\na,0,1,2\nb,1,3,4\n"));
}

TEST_F(Tables, HaveASplitInOneOfItsThreeColumnsByMistakeIfItIsAMask) {
  for (const char* name : {"train", "val", "valid", "Test", "is_train"})
    EXPECT_THAT(ErrorOf("a,b\n", absl::StrCat("id,x,", name, "\na,5,1\nb,6,0\n")),
                StatusIs(kInvalid, HasSubstr(absl::StrCat("all three, or a column split; there is "
                                                          "only ",
                                                          name, ": --leave-out ", name))));
  const std::string nodes = "id,x,val,test\na,5,True,False\nb,6,False,True\n";
  EXPECT_THAT(ErrorOf("a,b\n", nodes),
              StatusIs(kInvalid, HasSubstr("only val and test: --leave-out val --leave-out test")));
  ASSERT_OK(ImportTables("a,b\n", {nodes}, {.left_out = {"val", "test"}}));
  EXPECT_THAT(Features(), ElementsAre(5, 6));
  ASSERT_OK(ImportTables("a,b\n", {"id,val,test\na,1,0\nb,0.5,1\n"}));
  EXPECT_THAT(Features(), ElementsAre(1, 0, 0.5, 1));
}

TEST_F(Tables, RefuseLabelsThatAreLists) {
  for (const char* labels :
       {"\"[1,0,1]\",\"[0, 1, 1]\",\"[0,0,1]\"", "u;v,u,v|u", "u;v,v,u", "u;v,v;w,w;u"}) {
    const Fields texts(labels, ',');
    std::string nodes = "id,x,label\n";
    for (size_t v = 0; v < texts.size(); ++v)
      absl::StrAppend(&nodes, "n", v, ",5,\"", texts[v], "\"\n");
    EXPECT_THAT(ErrorOf("n0,n1\n", nodes),
                StatusIs(kInvalid, HasSubstr("nodes0.csv column 3 (label) is of labels such as")))
        << labels;
    ASSERT_OK_AND_ASSIGN(const ImportReport report,
                         ImportTables("n0,n1\n", {nodes}, {.label = "label"}));
    EXPECT_THAT(report.Describe(), HasSubstr("\": each such text is taken as a class"));
  }
  EXPECT_THAT(
      ErrorOf("a,b\n", "a,5,u;v\nb,6,v;u\n"),
      StatusIs(kInvalid, HasSubstr("column 3 is of labels such as \"u;v\"; several labels a "
                                   "node are given as an array [N, L] of 0 and 1, --labels "
                                   "Y.npy; if each such text is one class, --label 3")));
  // The name of a single class.
  ASSERT_OK(ImportTables("a,b\n", {"id,label\na,Cats; dogs\nb,Birds\nc,[none]\nd,Birds\n"}));
  EXPECT_THAT(ClassNames(), ElementsAre("Birds", "Cats; dogs", "[none]"));
}

TEST_F(Tables, AreNotForAGraphThatHasItsNodes) {
  input_.Write("nodes.csv", "id,x\na,1\nb,2\n");
  WriteZip(input_ / "g.npz", {{"edge_index.npy", NpyOf<int64_t>({2, 1}, {0, 1})},
                              {"x.npy", NpyOf<float>({2, 1}, {1, 2})}});
  ImportOptions options = OptionsFor("g.npz");
  options.nodes = {input_ / "nodes.csv"};
  EXPECT_THAT(
      Import(options, pool_),
      StatusIs(kInvalid, HasSubstr("g.npz is an .npz or .pt with edge_index or edges, which "
                                   "has nodes of its own: leave out --nodes")));
  // What METIS may have written.
  input_.Write("nodes.csv", "id,x\n1,5\n2,6\n");
  input_.Write("e.graph", "1 2\n2 1\n");
  options.from = input_ / "e.graph";
  EXPECT_THAT(Import(options, pool_), StatusIs(kInvalid, HasSubstr("give --format tables")));
  options.format = "tables";
  EXPECT_OK(Import(options, pool_));
}

TEST_F(Tables, AreRefusedWhereAColumnIsOfNumbersButForSomeEntries) {
  const std::string nodes = "id,age,income,label\na,5,1.5,u\nb,6,#VALUE!,v\nc,7,2.5,u\n";
  EXPECT_THAT(ErrorOf("a,b\n", nodes),
              StatusIs(kInvalid, HasSubstr("nodes0.csv line 3 is \"b,6,#VALUE!,v\"; income is "
                                           "\"#VALUE!\", but 2 of its first 3 entries are numbers: "
                                           "correct it or leave it empty")));
  ASSERT_OK(ImportTables("a,b\n", {nodes}, {.left_out = {"income"}}));
  EXPECT_THAT(Features(), ElementsAre(5, 6, 7));
  ASSERT_OK(ImportTables("a,b\n", {nodes}, {.one_hot = {"income"}}));
  ASSERT_OK(ImportTables("a,b\n", {"id,age,x\na,5,1;2\nb,6,3\nc,7,4\n"}));  // lists: unused
  EXPECT_THAT(Features(), ElementsAre(5, 6, 7));
  // Half of them are texts: one of texts. A missing entry is neither.
  ASSERT_OK(ImportTables("a,b\n", {"id,age,x\na,5,1\nb,6,?\nc,7,NA\n"}));
  EXPECT_THAT(Features(), ElementsAre(5, 6, 7));
}

TEST_F(Tables, SayWhichTextsAreNoCategory) {
  ASSERT_OK_AND_ASSIGN(
      const ImportReport report,
      ImportTables("a,b\n", {"id,cc\na,NA\nb,DE\nc,none\nd,\n"}, {.one_hot = {"cc"}}));
  EXPECT_THAT(report.Describe(), HasSubstr("1 feature; \"NA\" and \"none\" are taken for missing"));
}

TEST_F(Tables, AreRefusedWhereTheyAreNotInUtf8) {
  const std::string nodes = "id,x,label\ncaf\u00e9,1,r\u00f6d\nb\u20ac,2,\U0001f600\n";
  ASSERT_OK(ImportTables("caf\u00e9,b\u20ac\n", {nodes}));
  EXPECT_THAT(ErrorOf("a,b\n", "id,x\na,1\nb\xe9,2\n"),
              StatusIs(kInvalid, HasSubstr("nodes0.csv line 3 is \"b\\xe9,2\"; it is not in UTF-8: "
                                           "if it is in Latin-1, iconv -f WINDOWS-1252 -t UTF-8 "
                                           "FILE > NEW converts it")));
  EXPECT_THAT(ErrorOf("a,b\nb,\xe9\n", "id,x\na,1\nb,2\n"),
              StatusIs(kInvalid, HasSubstr("edges.csv line 2 is \"b,\\xe9\"; it is not in UTF-8")));
  // Cut short, overlong, half of a pair of UTF-16, beyond U+10FFFF, a byte that continues nothing.
  for (const char* wrong :
       {"\xe2\x82", "\xc0\xaf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80"})
    EXPECT_THAT(ErrorOf("a,b\n", absl::StrCat("id,x,caf\u00e9", wrong, "\na,1,5\nb,2,6\n")),
                StatusIs(kInvalid, HasSubstr("nodes0.csv line 1 is")))
        << wrong;
  std::string many = "id,x\n";  // several chunks
  for (int v = 0; v < 300000; ++v) absl::StrAppend(&many, "node ", v, ",1\n");
  EXPECT_THAT(ErrorOf("a,b\n", absl::StrCat(many, "\xe9,1\n")),
              StatusIs(kInvalid, HasSubstr("nodes0.csv line 300002 is")));
}

}  // namespace
}  // namespace quadhop
