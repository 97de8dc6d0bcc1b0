// What is said of inputs that cannot be read, or of which something is left aside.
#include <absl/strings/str_replace.h>
#include <matio.h>
#include <sys/stat.h>

#include <filesystem>

#include "core/files/file.h"
#include "tests/partition/import/formats/format_writers.h"
#include "tests/partition/import/import_fixture.h"

namespace quadhop {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

class UnknownInput : public ImportOf {
 protected:
  std::string MessageOf(const std::string& name, const std::string& text) {
    return std::string(ImportText(name, text).status().message());
  }
};

TEST_F(UnknownInput, ThatIsAFolderIsNoArchive) {
  EXPECT_THAT(ImportIt("", "pyg"),
              StatusIs(kInvalid, HasSubstr("is a folder: give the file itself")));
}

TEST_F(UnknownInput, ThatIsAPipeIsNotWaitedFor) {
  const std::string pipe = input_ / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(ImportIt("pipe"),
              StatusIs(kInvalid, HasSubstr("pipe is a pipe or a device, but inputs are read more "
                                           "than once: write it to a file first")));
}

TEST_F(UnknownInput, ThatIsADamagedArchiveIsSaidToBe) {
  WriteLittleGraph("pyg", input_.path());
  ASSERT_OK_AND_ASSIGN(const std::string whole, ReadFile(input_ / "g.npz"));
  EXPECT_THAT(MessageOf("g.npz", whole.substr(0, whole.size() / 2)),
              AllOf(HasSubstr("g.npz is not a zip archive that can be read: its directory, at "
                              "the end, is missing, as in a file cut short"),
                    Not(HasSubstr("Known:"))));
  WriteLittleGraph("linkx", input_.path());
  ASSERT_OK_AND_ASSIGN(const std::string mat, ReadFile(input_ / "g.mat"));
  EXPECT_THAT(MessageOf("g.mat", mat.substr(0, mat.size() / 2)),
              AllOf(HasSubstr("cut short"), Not(HasSubstr("Known:"))));
  const std::string gzip = GzipOf("0 1\n1 2\n");
  EXPECT_THAT(MessageOf("e.gz", gzip.substr(0, 12)),
              AllOf(HasSubstr("cut short"), Not(HasSubstr("Known:"))));
  WriteLittleGraph("ogb-binary", input_.path());
  ASSERT_OK_AND_ASSIGN(const std::string data, ReadFile(input_ / "raw/data.npz"));
  input_.Write("raw/data.npz", data.substr(0, data.size() / 2));
  EXPECT_THAT(ImportIt(""), StatusIs(kInvalid, HasSubstr("data.npz is not a zip archive")));
}

TEST_F(UnknownInput, ListsWhatAnArchiveHolds) {
  WriteZip(input_ / "x.npz",
           {{"foo.npy", NpyOf<float>({1}, {1})}, {"bar.npy", NpyOf<float>({1}, {1})}});
  EXPECT_THAT(ImportIt("x.npz"), StatusIs(kInvalid, HasSubstr("x.npz holds bar, foo")));
  mat_t* const mat = Mat_CreateVer((input_ / "x.mat").c_str(), nullptr, MAT_FT_MAT5);
  double value = 1;
  size_t dims[] = {1, 1};
  matvar_t* const variable = Mat_VarCreate("thing", MAT_C_DOUBLE, MAT_T_DOUBLE, 2, dims, &value, 0);
  Mat_VarWrite(mat, variable, MAT_COMPRESSION_NONE);
  Mat_VarFree(variable);
  Mat_Close(mat);
  EXPECT_THAT(ImportIt("x.mat"), StatusIs(kInvalid, HasSubstr("x.mat holds thing")));
}

TEST_F(UnknownInput, ThatIsEmptyIsSaidToBe) {
  EXPECT_THAT(MessageOf("e.txt", ""), HasSubstr("e.txt is empty"));
  EXPECT_THAT(MessageOf("e.txt", "# only\n# comments\n"),
              HasSubstr("e.txt has nothing but blank lines and comments in its first 1 MB"));
}

TEST_F(UnknownInput, ThatMayBeAnEdgeListIsAskedFor) {
  EXPECT_THAT(MessageOf("words.txt", "a b\nb c\n"), HasSubstr("give --format edge-list"));
}

TEST_F(UnknownInput, ThatOtherProgramsReadIsNamedWithAWayOut) {
  EXPECT_THAT(MessageOf("k.graphml", "<graphml>"),
              AllOf(HasSubstr("a format that is not read, GraphML: read it in networkx"),
                    Not(HasSubstr("Known:"))));
  EXPECT_THAT(MessageOf("my_edges.json", "[[0, 1],\n[1, 2]]"), HasSubstr("not read, JSON"));
  EXPECT_THAT(MessageOf("K.JSON", "{}"), HasSubstr("not read, JSON: write its arcs as csv"));
  EXPECT_THAT(MessageOf("g.bin", "abc"), HasSubstr("edge_index=numpy.stack(g.edges())"));
  EXPECT_THAT(MessageOf("g.pkl", "abc"), HasSubstr("of a dict of arrays, numpy.savez("));
}

TEST_F(UnknownInput, ThatIsPackedIsSaidHowToUnpack) {
  const std::string bytes("\0\1\2", 3);  // the name tells
  const std::pair<const char*, const char*> cases[] = {
      {"g.csv.xz", "xz -d FILE"},    {"edges.csv.zst", "zstd -d FILE"}, {"g.bz2", "bunzip2 FILE"},
      {"g.tar", "tar -xf FILE"},     {"g.tar.gz", "tar -xf FILE"},      {"g.tgz", "tar -xf FILE"},
      {"g.tar.bz2", "tar -xf FILE"}, {"G.TAR.XZ", "tar -xf FILE"},      {"g.zip", "unzip FILE"}};
  for (const auto& [name, command] : cases)
    EXPECT_THAT(MessageOf(name, bytes), AllOf(HasSubstr("in a format that is not read, "),
                                              HasSubstr(command), Not(HasSubstr("Known:"))))
        << name;
  // The bytes tell.
  EXPECT_THAT(MessageOf("edges", "\xFD\x37zXZ"), HasSubstr("by gzip: xz -d decompresses it"));
  EXPECT_THAT(MessageOf("g.edges", "BZh91AY"), HasSubstr("by gzip: bunzip2 decompresses it"));
}

TEST_F(UnknownInput, ThatIsAStoreIsSaidToBe) {
  ASSERT_OK(ImportText("e.txt", "0 1\n"));
  ImportOptions options = OptionsFor("");
  options.from = output_ / "s.qh";
  options.store = output_ / "other.qh";
  EXPECT_THAT(Import(options, pool_),
              StatusIs(kInvalid, HasSubstr("s.qh is a store already: other commands take it as")));
}

TEST_F(UnknownInput, ThatIsAFolderIsLookedInto) {
  input_.Write("mag/raw/num-node-dict.csv.gz", "");
  EXPECT_THAT(ImportIt("mag"), StatusIs(kInvalid, HasSubstr("has several kinds of nodes")));
  input_.Write("arxiv/raw/edge.csv.gz", "");
  EXPECT_THAT(ImportIt("arxiv/raw"),
              StatusIs(kInvalid, HasSubstr("give the folder that it is in")));
  input_.Write("planetoid/ind.citeseer.graph", "");
  input_.Write("planetoid/ind.cora.graph", "");
  EXPECT_THAT(ImportIt("planetoid"),
              StatusIs(kInvalid, HasSubstr("planetoid holds ind.citeseer, ind.cora: name one")));
}

TEST_F(UnknownInput, IsTakenWhereScipySavedIt) {
  WriteZip(input_ / "a.npz", {{"indptr.npy", NpyOf<int32_t>({4}, {0, 2, 3, 3})},
                              {"indices.npy", NpyOf<int32_t>({3}, {1, 2, 2})},
                              {"data.npy", NpyOf<float>({3}, {1, 1, 1})},
                              {"shape.npy", NpyOf<int64_t>({2}, {3, 3})}});
  input_.Write("x.npy", NpyOf<float>({3, 1}, {1, 2, 3}));
  ImportOptions options = OptionsFor("a.npz");
  options.features = input_ / "x.npy";
  ASSERT_OK_AND_ASSIGN(const ImportReport report, Import(options, pool_));
  EXPECT_EQ(report.format, "scipy");
  EXPECT_EQ(report.features, 1);
  EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 1), Pair(0, 2), Pair(1, 2)));
}

class Counts : public ImportOf {};

TEST_F(Counts, OfEdgesAreCheckedInOgbsBinaryFolder) {
  WriteLittleGraph("ogb-binary", input_.path());
  input_.Write("raw/num_edges_list.npy", NpyOf<int64_t>({1}, {5}));
  EXPECT_THAT(ImportIt(""),
              StatusIs(kInvalid, HasSubstr("is [2, 4], but num_edges_list says 5 edges")));
}

TEST_F(Counts, OfEdgesAreCheckedInDglsChunks) {
  WriteLittleGraph("dgl", input_.path());
  input_.Write("edges/1.csv", "1 2\n");
  EXPECT_THAT(ImportIt(""), StatusIs(kInvalid, HasSubstr("edges n:r:n have 3 arcs; "
                                                         "num_edges_per_chunk says 4")));
}

class FormatsOfChunks : public ImportOf {};

TEST_F(FormatsOfChunks, AreSaidWhereOneIsNotRead) {
  WriteLittleGraph("dgl", input_.path());
  ASSERT_OK_AND_ASSIGN(const std::string metadata, ReadFile(input_ / "metadata.json"));
  const auto error_with = [&](absl::string_view format) {
    input_.Write("metadata.json", absl::StrReplaceAll(metadata, {{format, "\"parquet\""}}));
    return ImportIt("").status();
  };
  EXPECT_THAT(
      error_with("\"csv\""),
      StatusIs(kInvalid, AllOf(HasSubstr("metadata.json: edges n:r:n is in the format parquet, "
                                         "which is not read; allowed: csv and numpy. "),
                               HasSubstr("numpy.save(\"FILE.npy\", pandas.read_parquet("))));
  EXPECT_THAT(error_with("\"numpy\""), StatusIs(kInvalid, HasSubstr("not read; allowed: numpy. ")));
}

TEST_F(Counts, SayWhichOfTwoFilesIsLeftAside) {
  WriteLittleGraph("ogb", input_.path());
  ASSERT_OK_AND_ASSIGN(const std::string edges, ReadFile(input_ / "raw/edge.csv"));
  input_.Write("raw/edge.csv.gz", GzipOf(edges));
  ASSERT_OK_AND_ASSIGN(const ImportReport report, ImportIt(""));
  EXPECT_THAT(report.Describe(), HasSubstr("not used: edge.csv of"));
}

TEST_F(Counts, NameTheLineOfWrongJson) {
  WriteLittleGraph("graphsaint", input_.path());
  input_.Write("class_map.json", "{\"0\": 1,\n \"1\": NaN}");
  EXPECT_THAT(ImportIt(""), StatusIs(kInvalid, AllOf(HasSubstr("class_map.json is no JSON"),
                                                     HasSubstr("line 2"), HasSubstr("NaN"))));
}

}  // namespace
}  // namespace quadhop
