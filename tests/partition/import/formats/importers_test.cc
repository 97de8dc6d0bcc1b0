// Every importer on the same little graph, and on real files where they are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <utility>

#include "core/base/casts.h"
#include "core/files/file.h"
#include "core/store/store.h"
#include "partition/features/raw_features.h"
#include "partition/import/import.h"
#include "tests/partition/import/arrays/pickle_writers.h"
#include "tests/partition/import/formats/format_writers.h"
#include "tests/partition/import/import_testing.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

ImportOptions OptionsOf(const WrittenInput& input, const std::string& folder,
                        const std::string& store) {
  ImportOptions options;
  options.from = input.from;
  options.store = store;
  if (input.has_companions) {
    options.features = folder + "/x.npy";
    options.labels = folder + "/y.npy";
    options.splits = folder + "/s.npy";
  }
  if (!input.nodes.empty()) options.nodes = {input.nodes};
  return options;
}

class Importers : public ::testing::TestWithParam<std::string> {
 protected:
  Importers() : input_(WriteLittleGraph(GetParam(), folder_.path())) {}
  std::string FormatName() const { return GetParam().substr(0, GetParam().find('/')); }
  std::string store_path() const { return output_ / "s.qh"; }
  absl::StatusOr<ImportReport> ImportIt(int32_t project = 0) {
    ImportOptions options = OptionsOf(input_, folder_.path(), store_path());
    options.project = project;
    return Import(options, pool_);
  }

  TempDir folder_;
  TempDir output_;
  WrittenInput input_;
  ThreadPool pool_{2};
};

TEST_P(Importers, GiveTheSameArraysOfTheSameGraph) {
  const LittleGraph graph;
  ASSERT_OK_AND_ASSIGN(const ImportReport report, ImportIt());
  EXPECT_EQ(report.format, FormatName());  // recognised
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Store> store, Store::Open(store_path()));
  EXPECT_OK(store->VerifyAll(pool_));
  ASSERT_OK_AND_ASSIGN(const Topology topology, store->topology());
  std::vector<int64_t> indptr = {0}, indices;
  for (const auto& row : graph.Neighbors()) {
    indices.insert(indices.end(), row.begin(), row.end());
    indptr.push_back(static_cast<int64_t>(indices.size()));
  }
  EXPECT_THAT(topology.indptr, ElementsAreArray(indptr));
  EXPECT_THAT(topology.indices32, ElementsAreArray(indices));
  ASSERT_OK_AND_ASSIGN(const RawFeatures raw, RawFeatures::Open(*store, /*with_encodings=*/false));
  ASSERT_EQ(raw.width(), graph.kFeatures);
  Tensor<float> features({graph.kNodes, graph.kFeatures});
  raw.CopyColumns(0, features.view(), pool_);
  EXPECT_THAT(absl::MakeSpan(features.data(), graph.features.size()),
              ElementsAreArray(graph.features));
  ASSERT_OK_AND_ASSIGN(const absl::Span<const int32_t> labels, store->labels());
  EXPECT_THAT(labels, ElementsAreArray(graph.labels));
  EXPECT_EQ(store->manifest().classes(), 3);
  ASSERT_OK_AND_ASSIGN(const absl::Span<const uint8_t> split, store->split(""));
  if (FormatName() == "planetoid") {  // whatever is left after the training nodes validates
    EXPECT_THAT(split, ElementsAreArray({1, 1, 2, 2, 3, 3}));
  } else if (input_.has_split) {
    EXPECT_THAT(split, ElementsAreArray(graph.split));
  } else {
    EXPECT_EQ(std::count(split.begin(), split.end(), 1), 4);
  }
}

TEST_P(Importers, TurnTheArcsOfADirectedGraphRound) {
  ImportOptions options = OptionsOf(input_, folder_.path(), store_path());
  options.directed = true;
  std::set<std::pair<int64_t, int64_t>> arcs[2];
  for (const bool reverse : {false, true}) {
    options.reverse = reverse;
    ASSERT_OK(Import(options, pool_));
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Store> store, Store::Open(store_path()));
    ASSERT_OK_AND_ASSIGN(const Topology topology, store->topology());
    for (int64_t v = 0; v < topology.num_nodes(); ++v)
      for (int64_t e = topology.indptr[AsSize(v)]; e < topology.indptr[AsSize(v) + 1]; ++e) {
        const int64_t other = topology.indices32[AsSize(e)];
        arcs[reverse].insert(reverse ? std::pair{other, v} : std::pair{v, other});
      }
  }
  EXPECT_EQ(arcs[1], arcs[0]);
}

TEST_P(Importers, TellNodesFeaturesAndAtLeastTheArcsWhereTheyTellASize) {
  const ImportOptions options = OptionsOf(input_, folder_.path(), store_path());
  ASSERT_OK_AND_ASSIGN(const absl::optional<PrepShape> shape, MeasureInput(options));
  const std::set<std::string> silent = {"wordnet", "planetoid", "shchur/pickled"};
  ASSERT_EQ(shape.has_value(), silent.count(GetParam()) == 0);
  if (!shape.has_value()) return;
  EXPECT_FALSE(shape->estimated);
  ASSERT_OK_AND_ASSIGN(const ImportReport report, ImportIt());
  EXPECT_EQ(shape->nodes, report.nodes);
  EXPECT_EQ(shape->features, report.features);
  EXPECT_GE(shape->arcs, report.arcs);
  EXPECT_LE(shape->arcs, 2 * report.arcs);  // the input may hold duplicates
}

TEST_P(Importers, ProjectFeaturesToFewerColumns) {
  ASSERT_OK_AND_ASSIGN(const ImportReport report, ImportIt(/*project=*/2));
  EXPECT_EQ(report.features, 2);
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Store> store, Store::Open(store_path()));
  ASSERT_OK_AND_ASSIGN(const NpyFile* raw, store->array("raw.npy"));
  // Node 1 has the one feature 3: plus or minus 3 / sqrt(2).
  for (const size_t i : {2u, 3u})
    EXPECT_FLOAT_EQ(std::abs(raw->values<float>()[i]), 3 / std::sqrt(2.0f));
}

// Every file of the input cut short at many places, and with a byte changed: an error that names
// it, or an import, but nothing else, and nothing left behind.
TEST_P(Importers, SurviveFilesThatAreDamaged) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path())) {
    if (!entry.is_regular_file()) continue;
    const std::string path = entry.path();
    ASSERT_OK_AND_ASSIGN(const std::string whole, ReadFile(path));
    const size_t step = std::max<size_t>(1, whole.size() / 8);
    for (size_t at = 0; at < whole.size(); at += step) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
      for (const std::string& text : {whole.substr(0, at), damaged}) {
        std::ofstream(path, std::ios::binary) << text;
        ImportOptions options = OptionsOf(input_, folder_.path(), store_path());
        options.format = FormatName();
        options.memory_bytes = int64_t{64} << 20;
        const auto shape = MeasureInput(options);
        if (shape.ok() && shape->has_value()) {
          EXPECT_GE(std::min({(*shape)->nodes, (*shape)->arcs, (*shape)->features}), 0) << path;
        }
        const absl::Status status = Import(options, pool_).status();
        if (!status.ok()) {
          EXPECT_FALSE(status.message().empty()) << path << " at " << at;
          EXPECT_FALSE(absl::IsInternal(status)) << status;
          EXPECT_FALSE(std::filesystem::exists(store_path()));
        }
        std::filesystem::remove_all(store_path());
      }
    }
    std::ofstream(path, std::ios::binary) << whole;
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, Importers, ::testing::ValuesIn(WritableFormats()),
                         [](const auto& param) {
                           std::string name = param.param;
                           for (char& c : name)
                             if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
                           return name;
                         });

class ImportErrors : public ::testing::Test {
 protected:
  absl::Status ErrorOf(const std::string& name, const std::string& text) {
    input_.Write(name, text);
    ImportOptions options;
    options.from = input_ / name;
    options.store = output_ / "s.qh";
    return Import(options, pool_).status();
  }
  InputFolder input_;
  TempDir output_;
  ThreadPool pool_{2};
};
constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;

TEST_F(ImportErrors, NameTheLineOfAnEdgeList) {
  EXPECT_THAT(ErrorOf("e.txt", "0 1\n# x\n2 b\n"),
              StatusIs(kInvalid, HasSubstr("e.txt line 3 is \"2 b\"; two node ids are needed")));
}

TEST_F(ImportErrors, NameTheLineOfAMatrix) {
  const std::string head = "%%MatrixMarket matrix coordinate pattern general\n3 3 1\n";
  EXPECT_THAT(ErrorOf("m.mtx", head + "1 4\n"),
              StatusIs(kInvalid, HasSubstr("m.mtx line 3 is \"1 4\"; a row and a column, each in "
                                           "[1, 3]")));
  EXPECT_THAT(ErrorOf("up.mtx", "%%MATRIXMARKET MATRIX COORDINATE REAL GENERAL\n3 3 1\n1 4 1\n"),
              StatusIs(kInvalid, HasSubstr("up.mtx line 3 is \"1 4 1\"; a row and a column")));
  EXPECT_THAT(
      ErrorOf("m.mtx", "%%MatrixMarket matrix coordinate pattern general\n" +
                           std::string("4000000000000 4000000000000 1\n1 2\n")),
      StatusIs(absl::StatusCode::kResourceExhausted,
               HasSubstr("m.mtx: the graph has 4000000000000 nodes, which take 8 bytes each")));
  EXPECT_THAT(ErrorOf("m.mtx", head + "1 2\n2 1\n"),
              StatusIs(kInvalid, HasSubstr("has 2 entries, but its line 2 says 1")));
}

TEST_F(ImportErrors, NameTheElementOfAnArray) {
  EXPECT_THAT(ErrorOf("a.npy", NpyOf<int64_t>({2, 2}, {0, 1, -3, 1})),
              StatusIs(kInvalid, HasSubstr("a.npy element 2 is node -3; node ids are at least 0")));
  EXPECT_THAT(
      ErrorOf("a.npy", NpyOf<float>({2, 2}, {0, 1, 0.5, 1})),
      StatusIs(kInvalid, HasSubstr("a.npy element 2 is 0.5, not a whole number below 2^63")));
  EXPECT_THAT(ErrorOf("a.npy", NpyOf<int64_t>({4}, {0, 1, 0, 1})),
              StatusIs(kInvalid, HasSubstr("a.npy is [4]; arcs are [2, E] or [E, 2]")));
}

TEST_F(ImportErrors, RefuseSizesThatAreNotThere) {
  EXPECT_THAT(ErrorOf("a.npy", NpyOf(DType::kI64, {2, int64_t{1} << 40}, "")),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("a.npy ends in element 0")));
}

TEST_F(ImportErrors, RefuseEveryOtherGlobalOfAPickle) {
  for (const char* suffix : {"x", "y", "tx", "ty", "allx", "ally"})
    input_.Write(std::string("ind.a.") + suffix, Pickled("N"));
  input_.Write("ind.a.test.index", "1\n");
  input_.Write("ind.a.graph", Pickled("N"));
  EXPECT_THAT(ErrorOf("ind.a.allx", Pickled("cos\nsystem\nU\x04true\x85R")),
              StatusIs(kInvalid, HasSubstr("no known format")));
  ImportOptions options;
  options.from = input_ / "ind.a";
  options.store = output_ / "s.qh";
  EXPECT_THAT(Import(options, pool_),
              StatusIs(kInvalid, HasSubstr("ind.a.allx: pickle, byte 2: it asks for Python's "
                                           "os.system")));
}

TEST_F(ImportErrors, RefuseArraysForAFormatThatHasItsOwn) {
  WriteLittleGraph("ogb", input_.path());
  ImportOptions options;
  options.from = input_.path();
  options.store = output_ / "s.qh";
  options.features = "x.npy";
  EXPECT_THAT(Import(options, pool_), StatusIs(kInvalid, HasSubstr("ogb has its own")));
}

struct RealFile {
  const char* name;
  const char* format;
  int64_t nodes, arcs, features, classes, unlabelled;
  bool multi_label;
};
class RealFiles : public ::testing::TestWithParam<RealFile> {};

// Counted by numpy, scipy and pickle.
TEST_P(RealFiles, HaveTheFiguresThatNumpyCounts) {
  const RealFile& expected = GetParam();
  ImportOptions options;
  options.from = RealData() + "/formats/" + expected.name;
  if (!std::filesystem::exists(RealData())) GTEST_SKIP() << RealData() << " is absent";
  const TempDir output;
  options.store = output / "s.qh";
  ThreadPool pool(2);
  ASSERT_OK_AND_ASSIGN(const ImportReport report, Import(options, pool));
  EXPECT_EQ(report.format, expected.format);
  EXPECT_EQ(report.nodes, expected.nodes);
  EXPECT_EQ(report.arcs, expected.arcs);
  EXPECT_EQ(report.features, expected.features);
  EXPECT_EQ(report.classes, expected.classes);
  EXPECT_EQ(report.unlabelled, expected.unlabelled);
  EXPECT_EQ(report.multi_label, expected.multi_label);
}
INSTANTIATE_TEST_SUITE_P(
    Formats, RealFiles,
    ::testing::Values(RealFile{"amazon_photo.npz", "shchur", 7650, 238162, 745, 8, 0, false},
                      RealFile{"tolokers.npz", "pyg", 11758, 1038000, 10, 2, 0, false},
                      RealFile{"ind.citeseer", "planetoid", 3327, 9104, 3703, 6, 15, false},
                      RealFile{"JohnsHopkins55.mat", "linkx", 5180, 373172, 2406, 2, 418, false},
                      RealFile{"blogcatalog.mat", "linkx", 10312, 667966, 0, 39, 0, true}));

}  // namespace
}  // namespace quadhop
