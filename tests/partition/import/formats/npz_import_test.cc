// Adjacencies in .npz files, in the ways that scipy saves them.
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>

#include <filesystem>
#include <tuple>

#include "core/files/file.h"
#include "tests/partition/import/arrays/pickle_writers.h"
#include "tests/partition/import/formats/format_writers.h"
#include "tests/partition/import/import_fixture.h"

namespace quadhop {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

// numpy's texts, of these bytes.
std::string NpyOfTexts(const std::string& descr, const std::string& shape,
                       const std::string& bytes) {
  std::string header =
      "{'descr': '" + descr + "', 'fortran_order': False, 'shape': (" + shape + "), }";
  header += std::string(117 - header.size(), ' ') + "\n";
  return std::string("\x93NUMPY\x01\x00v\x00", 10) + header + bytes;
}

// As scipy.sparse.save_npz writes the name of a format.
std::string NpyOfText(const std::string& text) {
  return NpyOfTexts("|S" + std::to_string(text.size()), "", text);
}

// GraphSAINT's folder of three nodes; arcs 0-1, 0-2 and 1-2 if the matrix is by rows.
class GraphSaint : public ImportOf {
 protected:
  GraphSaint() {
    input_.Write("feats.npy", NpyOf<float>({3, 1}, {1, 2, 3}));
    input_.Write("class_map.json", R"({"0": 0, "1": 1, "2": 0})");
    input_.Write("role.json", R"({"tr": [0], "va": [1], "te": [2]})");
  }
  absl::StatusOr<ImportReport> ImportAdjacency(std::map<std::string, std::string> members) {
    members.emplace("shape.npy", NpyOf<int64_t>({2}, {3, 3}));
    members.emplace("data.npy", NpyOf<float>({3}, {1, 1, 1}));
    WriteZip(input_ / "adj_full.npz", members);
    return ImportIt("");
  }
  const std::map<std::string, std::string> compressed_ = {
      {"indptr.npy", NpyOf<int32_t>({4}, {0, 2, 3, 3})},
      {"indices.npy", NpyOf<int32_t>({3}, {1, 2, 2})}};
  std::map<std::string, std::string> Compressed(const std::string& format) const {
    auto members = compressed_;
    members["format.npy"] = NpyOfText(format);
    return members;
  }
};

TEST_F(GraphSaint, ReadsAMatrixByRows) {
  ASSERT_OK(ImportAdjacency(compressed_));
  EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 1), Pair(0, 2), Pair(1, 2)));
  ASSERT_OK(ImportAdjacency(Compressed("csr")));
  EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 1), Pair(0, 2), Pair(1, 2)));
}

TEST_F(GraphSaint, ReadsAMatrixByColumns) {
  ASSERT_OK(ImportAdjacency(Compressed("csc")));
  EXPECT_THAT(StoredArcs(), ElementsAre(Pair(1, 0), Pair(2, 0), Pair(2, 1)));
}

TEST_F(GraphSaint, ReadsAMatrixByCoordinates) {
  ASSERT_OK(ImportAdjacency({{"format.npy", NpyOfText("coo")},
                             {"row.npy", NpyOf<int32_t>({3}, {0, 2, 1})},
                             {"col.npy", NpyOf<int32_t>({3}, {2, 0, 0})}}));
  EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 2), Pair(1, 0), Pair(2, 0)));
}

TEST_F(GraphSaint, RefusesOtherMatricesByName) {
  EXPECT_THAT(ImportAdjacency(Compressed("bsr")),
              StatusIs(kInvalid, HasSubstr("adj_full.npz: format is \"bsr\"; allowed: csr, csc, "
                                           "coo: save matrix.tocsr()")));
}

TEST_F(GraphSaint, SaysTheShapeOfAMatrixThatIsNotSquare) {
  auto members = compressed_;
  members["shape.npy"] = NpyOf<int64_t>({2}, {200, 300});
  EXPECT_THAT(ImportAdjacency(members),
              StatusIs(kInvalid, HasSubstr("shape is 200 x 300; an adjacency is square")));
}

TEST_F(GraphSaint, TakesAnEntryForAnArcWhateverItsValue) {
  auto members = compressed_;
  members["data.npy"] = NpyOf<float>({3}, {1, 0, 1});
  ASSERT_OK(ImportAdjacency(members));
  EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 1), Pair(0, 2), Pair(1, 2)));
}

TEST_F(GraphSaint, SaysWhichFilesAFolderMustHave) {
  for (const char* name : {"feats.npy", "class_map.json", "role.json"}) {
    std::filesystem::rename(input_ / name, input_ / "aside");
    EXPECT_THAT(ImportAdjacency(compressed_),
                StatusIs(absl::StatusCode::kNotFound,
                         AllOf(HasSubstr(absl::StrCat("/", name, ", which")),
                               HasSubstr("needed are adj_full.npz, feats.npy, class_map.json, "
                                         "role.json"))));
    std::filesystem::rename(input_ / "aside", input_ / name);
  }
}

class Reddit : public ImportOf {
 protected:
  Reddit() {
    WriteZip(input_ / "reddit_data.npz", {{"feature.npy", NpyOf<float>({3, 1}, {1, 2, 3})},
                                          {"label.npy", NpyOf<int64_t>({3}, {0, 1, 0})},
                                          {"node_types.npy", NpyOf<int64_t>({3}, {1, 2, 3})}});
  }
};

TEST_F(Reddit, IsReadWithSelfLoopsToo) {
  WriteZip(input_ / "reddit_self_loop_graph.npz", {{"row.npy", NpyOf<int32_t>({3}, {0, 1, 2})},
                                                   {"col.npy", NpyOf<int32_t>({3}, {1, 1, 0})}});
  ASSERT_OK_AND_ASSIGN(const auto shape, MeasureInput(OptionsFor("")));
  ASSERT_TRUE(shape.has_value());
  EXPECT_EQ(shape->nodes, 3);
  EXPECT_EQ(shape->arcs, 3);
  EXPECT_EQ(shape->features, 1);
  ASSERT_OK_AND_ASSIGN(const ImportReport report, ImportIt(""));
  EXPECT_EQ(report.self_loops_removed, 1);
  EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 1), Pair(2, 0)));
}

TEST_F(Reddit, NeedsAGraph) {
  EXPECT_THAT(ImportIt(""),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/reddit_graph.npz (nor ")));
}

class Shchur : public ImportOf {};

TEST_F(Shchur, TakesAnEntryOfAPickledMatrixForAnArcWhateverItsValue) {
  WriteZip(input_ / "g.npz",
           {{"adj_matrix.npy", NpyOfObject(PickledCsr(3, 3, {0, 2, 3, 3}, {1, 2, 2}, {1, 0, 1}))}});
  ASSERT_OK(ImportIt("g.npz"));
  EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 1), Pair(0, 2), Pair(1, 2)));
}

TEST_F(Shchur, ReadsADenseMatrix) {
  WriteZip(input_ / "g.npz",
           {{"adj_matrix.npy", NpyOf<float>({3, 3}, {0, 1, 0, 0, 0, 0, 2, 0, 0})}});
  ASSERT_OK(ImportIt("g.npz"));
  EXPECT_THAT(StoredArcs(), ElementsAre(Pair(0, 1), Pair(2, 0)));
}

TEST_F(Shchur, KeepsTheNamesOfNodesAndClasses) {
  const std::map<std::string, std::string> graph = {
      {"adj_indptr.npy", NpyOf<int32_t>({4}, {0, 2, 3, 3})},
      {"adj_indices.npy", NpyOf<int32_t>({3}, {1, 2, 2})},
      {"adj_shape.npy", NpyOf<int64_t>({2}, {3, 3})},
      {"labels.npy", NpyOf<int64_t>({3}, {0, 1, 0})}};
  const auto import_with = [&](std::map<std::string, std::string> names) {
    names.insert(graph.begin(), graph.end());
    WriteZip(input_ / "g.npz", names);
    return ImportIt("g.npz");
  };
  // numpy's text: 4 bytes a character, zeros at the end. "b" is as wide as the widest.
  const std::string names("a\0\0\0\xe9\0\0\0b\0\0\0\0\0\0\0c\0\0\0 \0\0\0", 24);
  ASSERT_OK_AND_ASSIGN(
      const ImportReport report,
      import_with({{"node_names.npy", NpyOfTexts("<U2", "3,", names)},
                   {"class_names.npy", NpyOfTexts("|S3", "2,", std::string("redtwo", 6))}}));
  EXPECT_THAT(report.Describe(), Not(HasSubstr("not used")));
  EXPECT_THAT(ReadFile(output_ / "s.qh/original_names.txt"), IsOkAndHolds("a\xc3\xa9\nb\nc \n"));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Store> store, Store::Open(output_ / "s.qh"));
  EXPECT_THAT(store->manifest().class_names(), ElementsAre("red", "two"));
  ASSERT_OK_AND_ASSIGN(const ImportReport other,
                       import_with({{"node_names.npy", NpyOfTexts("|S1", "3,", "aba")},
                                    {"class_names.npy", NpyOfTexts("|S1", "1,", "a")}}));
  EXPECT_THAT(
      other.Describe(),
      AllOf(HasSubstr("node_names element 2 is the same as element 0; names of nodes must differ"),
            HasSubstr("note: names of classes not used: 1 for 2 classes")));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Store> without, Store::Open(output_ / "s.qh"));
  EXPECT_FALSE(without->HasFile("original_names.txt"));
  EXPECT_EQ(without->manifest().classes(), 2);
}

TEST_F(Shchur, NotesTheNamesThatItLeavesAside) {
  WriteZip(input_ / "g.npz", {{"adj_data.npy", NpyOf<float>({3}, {1, 1, 1})},
                              {"adj_indptr.npy", NpyOf<int32_t>({4}, {0, 2, 3, 3})},
                              {"adj_indices.npy", NpyOf<int32_t>({3}, {1, 2, 2})},
                              {"adj_shape.npy", NpyOf<int64_t>({2}, {3, 3})},
                              {"attr_names.npy", NpyOfTexts("|S1", "2,", "ab")}});
  ASSERT_OK_AND_ASSIGN(const ImportReport report, ImportIt("g.npz"));
  EXPECT_THAT(report.Describe(), HasSubstr("note: not used: attr_names"));
}

TEST_F(ImportOf, SaysThatWeightsOfArcsAreNotUsed) {
  const std::string note = "note: the arcs have weights: not used";
  for (const float weight : {1.0f, 0.5f}) {
    WriteZip(input_ / "a.npz", {{"format.npy", NpyOfText("csr")},
                                {"shape.npy", NpyOf<int64_t>({2}, {2, 2})},
                                {"indptr.npy", NpyOf<int32_t>({3}, {0, 1, 2})},
                                {"indices.npy", NpyOf<int32_t>({2}, {1, 0})},
                                {"data.npy", NpyOf<float>({2}, {1, weight})}});
    ASSERT_OK_AND_ASSIGN(const ImportReport report, ImportIt("a.npz"));
    EXPECT_EQ(absl::StrContains(report.Describe(), note), weight != 1) << weight;
  }
  const std::string banner = "%%MatrixMarket matrix coordinate ";
  for (const auto& [name, text, weighted] :
       {std::tuple("a.mtx", banner + "pattern general\n2 2 1\n1 2\n", false),
        std::tuple("b.mtx", banner + "real general\n2 2 1\n1 2 0.5\n", true),
        std::tuple("a.graph", std::string("2 1\n2\n1\n"), false),
        std::tuple("b.graph", std::string("2 1 1\n2 7\n1 7\n"), true)}) {
    ASSERT_OK_AND_ASSIGN(const ImportReport report, ImportText(name, text));
    EXPECT_EQ(absl::StrContains(report.Describe(), note), weighted) << name;
  }
}

}  // namespace
}  // namespace quadhop
