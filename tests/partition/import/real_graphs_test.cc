// The OGB folders of ../shared/data against the figures that its INDEX.md gives, which other code
// counted.
#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>

#include "core/base/casts.h"
#include "core/files/file.h"
#include "core/store/store.h"
#include "partition/import/import.h"
#include "tests/partition/import/import_testing.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

struct Figures {
  const char* name;
  int64_t nodes, edges_stored, undirected, classes, max_degree, isolated, duplicates, self_loops,
      unlabelled, features;
  size_t splits;
  int64_t train, valid, test;  // of the first split
  friend void PrintTo(const Figures& f, std::ostream* out) { *out << f.name; }
};

class RealGraph : public ::testing::TestWithParam<Figures> {};

TEST_P(RealGraph, HasTheFiguresOfItsIndex) {
  const Figures& expected = GetParam();
  ImportOptions options;
  options.from = RealData() + "/" + expected.name;
  if (!std::filesystem::exists(options.from))
    GTEST_SKIP() << options.from << " is absent; set QH_DATA to the folder of real graphs";
  const TempDir output;
  options.store = output / "s.qh";
  ThreadPool pool(2);
  ASSERT_OK_AND_ASSIGN(const ImportReport report, Import(options, pool));
  RecordProperty("report", report.Describe());
  EXPECT_EQ(report.nodes, expected.nodes);
  EXPECT_EQ(report.arcs_read, expected.edges_stored);
  EXPECT_EQ(report.arcs, 2 * expected.undirected);
  EXPECT_EQ(report.classes, expected.classes);
  EXPECT_EQ(report.without_out_neighbours, expected.isolated);
  EXPECT_EQ(report.duplicates_removed, expected.duplicates);
  EXPECT_EQ(report.self_loops_removed, expected.self_loops);
  EXPECT_EQ(report.unlabelled, expected.unlabelled);
  EXPECT_EQ(report.features, expected.features);
  EXPECT_EQ(report.splits.size(), expected.splits);

  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Store> store, Store::Open(options.store));
  ASSERT_OK_AND_ASSIGN(const Topology topology, store->topology());
  int64_t max_degree = 0;
  for (int64_t v = 0; v < report.nodes; ++v) max_degree = std::max(max_degree, topology.degree(v));
  EXPECT_EQ(max_degree, expected.max_degree);
  ASSERT_OK_AND_ASSIGN(const absl::Span<const uint8_t> split, store->split(""));
  EXPECT_EQ(std::count(split.begin(), split.end(), 1), expected.train);
  EXPECT_EQ(std::count(split.begin(), split.end(), 2), expected.valid);
  EXPECT_EQ(std::count(split.begin(), split.end(), 3), expected.test);
}

INSTANTIATE_TEST_SUITE_P(Index, RealGraph,
                         ::testing::Values(Figures{"amazon_photo", 7650, 143663, 119081, 8, 1434,
                                                   115, 0, 1, 0, 745, 1, 4590, 1530, 1530},
                                           Figures{"tolokers", 11758, 519000, 519000, 2, 2138, 0, 0,
                                                   0, 0, 10, 10, 5879, 2939, 2940},
                                           Figures{"blogcatalog3", 10312, 667966, 333983, 39, 3992,
                                                   0, 0, 0, 0, 0, 1, 6187, 2062, 2063},
                                           Figures{"fb100_cornell5_year", 18660, 1581554, 790777, 6,
                                                   3156, 0, 0, 0, 3286, 4693, 1, 9224, 3075, 3075}),
                         [](const auto& param_info) { return std::string(param_info.param.name); });

// Cora as LINQS publishes it: a table of arcs by name, one of nodes with words and class, and here
// one of parts, from the last node to the first.
struct LinqsTables {
  std::string cites, content, parts = "id,split\n";
};

LinqsTables TablesOf(const Store& store) {
  constexpr const char* kParts[] = {"", "train", "valid", "test"};
  const auto name = [](int64_t node) { return absl::StrCat(31336 + 7 * node); };
  const Topology topology = store.topology().value();
  const auto labels = store.labels().value();
  const auto split = store.split("").value();
  const NpyFile& features = *store.array("raw.npy").value();
  const int64_t width = features.header().dims[1];
  LinqsTables tables;
  for (int64_t v = 0; v < store.num_nodes(); ++v) {
    absl::StrAppend(&tables.content, name(v));
    for (int64_t i = 0; i < width; ++i)
      absl::StrAppend(&tables.content, "\t", features.values<float>()[AsSize(v * width + i)]);
    absl::StrAppend(&tables.content, "\tclass ", labels[AsSize(v)], "\n");
    VisitIndices(topology, [&](auto indices) {
      for (const auto u : NeighborsOf(topology, indices, v))
        if (v < static_cast<int64_t>(u))
          absl::StrAppend(&tables.cites, name(v), "\t", name(u), "\n");
    });
    const int64_t w = store.num_nodes() - 1 - v;
    absl::StrAppend(&tables.parts, name(w), ",", kParts[split[AsSize(w)]], "\n");
  }
  return tables;
}

TEST(RealTables, OfCoraMakeTheStoreThatItsArraysMake) {
  ImportOptions options;
  options.from = RealData() + "/cora";
  if (!std::filesystem::exists(options.from))
    GTEST_SKIP() << options.from << " is absent; set QH_DATA to the folder of real graphs";
  const TempDir folder;
  options.store = folder / "arrays.qh";
  ThreadPool pool(2);
  ASSERT_OK(Import(options, pool));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Store> arrays, Store::Open(options.store));
  const LinqsTables tables = TablesOf(*arrays);
  ASSERT_OK(WriteFileAtomically(folder / "cora.cites", tables.cites));
  ASSERT_OK(WriteFileAtomically(folder / "cora.content", tables.content));
  ASSERT_OK(WriteFileAtomically(folder / "parts.csv", tables.parts));
  options.from = folder / "cora.cites";
  options.nodes = {folder / "cora.content", folder / "parts.csv"};
  options.store = folder / "tables.qh";
  ASSERT_OK(Import(options, pool));
  for (const char* file : {"indptr.npy", "indices.npy", "raw.npy", "labels.npy", "splits.npy"})
    EXPECT_TRUE(ReadFile(folder / "arrays.qh/" + file).value() ==
                ReadFile(folder / "tables.qh/" + file).value())
        << file;
}

}  // namespace
}  // namespace quadhop
