#include "partition/cuts/partition_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <vector>

#include "core/files/file.h"
#include "core/store/store_writer.h"
#include "partition/graph/statistics.h"
#include "tests/partition/cuts/cut_testing.h"
#include "tests/partition/store_testing.h"
#include "tests/support/graphs.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

PartitionOptions Hash(int32_t parts) { return {parts, "hash", 0, 0.05}; }

// Every array of a tiny store, by the formulas of its nodes before the cut.
void ExpectTinyStore(const Store& store, const TinyStoreOptions& tiny) {
  ASSERT_OK_AND_ASSIGN(const auto ids, store.original_ids());
  ASSERT_OK_AND_ASSIGN(const FeatureTable features, store.features());
  ASSERT_OK_AND_ASSIGN(const auto pos_enc, store.pos_enc());
  std::vector<float> row(static_cast<size_t>(features.row_size()));
  for (int64_t v = 0; v < tiny.nodes(); ++v) {
    const auto i = static_cast<size_t>(v);
    const int64_t old = tiny.nodes() - 1 - ids[i];  // TinyOriginalId, inverted
    ConvertToFloat(features.dtype,
                   static_cast<const uint8_t*>(features.data) + v * features.row_bytes(),
                   features.row_size(), row.data());
    for (int64_t hop = 0; hop <= tiny.hops; ++hop)
      for (int64_t f = 0; f < tiny.features; ++f)
        EXPECT_EQ(row[static_cast<size_t>(hop * tiny.features + f)], TinyFeature(old, hop, f));
    for (int64_t g = 0; g < tiny.pos_enc_width; ++g)
      EXPECT_EQ(pos_enc.row(v)[g], TinyPosEnc(old, g));
    for (size_t s = 0; s < tiny.splits.size(); ++s) {
      ASSERT_OK_AND_ASSIGN(const auto split, store.split(tiny.splits[s]));
      EXPECT_EQ(split[i], TinySplit(old, static_cast<int64_t>(s)));
    }
    if (tiny.multi_label) {
      ASSERT_OK_AND_ASSIGN(const auto labels, store.multi_labels());
      for (int64_t c = 0; c < tiny.classes; ++c)
        EXPECT_EQ(labels[static_cast<size_t>(v * tiny.classes + c)], TinyMultiLabel(old, c));
    } else {
      ASSERT_OK_AND_ASSIGN(const auto labels, store.labels());
      EXPECT_EQ(labels[i], TinyLabel(tiny, old));
    }
  }
}

// The arcs as pairs of original ids; neighbours must be ascending.
std::multiset<std::pair<int64_t, int64_t>> OriginalArcs(const Store& store) {
  std::multiset<std::pair<int64_t, int64_t>> arcs;
  const auto topology = store.topology();
  const auto ids = store.original_ids();
  EXPECT_OK(topology);
  EXPECT_OK(ids);
  const bool wide = !topology->indices64.empty();
  for (size_t v = 0; v + 1 < topology->indptr.size(); ++v) {
    int64_t last = -1;
    for (auto e = static_cast<size_t>(topology->indptr[v]);
         e < static_cast<size_t>(topology->indptr[v + 1]); ++e) {
      const int64_t w = wide ? topology->indices64[e] : int64_t{topology->indices32[e]};
      EXPECT_LT(last, w);
      last = w;
      arcs.emplace((*ids)[v], (*ids)[static_cast<size_t>(w)]);
    }
  }
  return arcs;
}

void ExpectCutKeeps(TinyStoreOptions tiny, const PartitionOptions& options) {
  TempDir folder;
  ThreadPool pool(2);
  tiny.graph_nodes = 60;
  tiny.isolated_nodes = 4;
  ASSERT_OK(WriteTinyStore(folder / "s", tiny));
  ASSERT_OK_AND_ASSIGN(auto store, Store::Open(folder / "s"));
  const auto arcs = OriginalArcs(*store);
  ASSERT_OK_AND_ASSIGN(const PartitionReport report, PartitionStore(folder / "s", options, pool));
  ASSERT_OK_AND_ASSIGN(store, Store::Open(folder / "s"));
  EXPECT_OK(store->VerifyAll(pool));
  EXPECT_EQ(store->num_partitions(), report.parts());
  EXPECT_EQ(OriginalArcs(*store), arcs);
  ExpectTinyStore(*store, tiny);
}

TEST(PartitionStore, KeepsEveryFileOfAStoreInStep) { ExpectCutKeeps({}, Hash(2)); }

TEST(PartitionStore, KeepsHalvesAndMultiLabels) {
  TinyStoreOptions tiny;
  tiny.feature_dtype = DType::kF16;
  tiny.multi_label = true;
  ExpectCutKeeps(tiny, Hash(2));
  tiny.feature_dtype = DType::kBF16;
  ExpectCutKeeps(tiny, Hash(2));
}

TEST(PartitionStore, KeepsWideIdsAndDirectedGraphs) {
  TinyStoreOptions tiny;
  tiny.wide_ids = true;
  ExpectCutKeeps(tiny, Hash(2));
  tiny.graph = TinyGraph::kDirectedChain;
  ExpectCutKeeps(tiny, Hash(2));
}

std::vector<uint8_t> FirstTrain(size_t nodes, size_t train) {
  std::vector<uint8_t> split(nodes, static_cast<uint8_t>(SplitPart::kTest));
  std::fill_n(split.begin(), train, static_cast<uint8_t>(SplitPart::kTrain));
  return split;
}

std::string ReadAll(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadFile(path);
  EXPECT_OK(text);
  return text.value_or("");
}

void ExpectRecutIsADirectCut(bool sparse) {
  TempDir folder;
  ThreadPool pool(1);
  const ImportedStore imported{RandomGraph(300, 1200, true, 1), RandomValues(300 * 3, 2), 3, sparse,
                               FirstTrain(300, 150)};
  for (const char* name : {"direct", "recut"})
    ASSERT_OK(WriteImportedStore(folder / name, imported));
  ASSERT_OK(PartitionStore(folder / "direct", Hash(3), pool));
  ASSERT_OK(PartitionStore(folder / "recut", Hash(5), pool));
  const std::string five_parts = ReadAll(folder / "recut/indices.npy");
  ASSERT_OK(PartitionStore(folder / "recut", Hash(3), pool));
  ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(folder / "recut"));
  for (const StoreFile& file : store->manifest().files())
    EXPECT_EQ(ReadAll(folder / ("direct/" + file.name())),
              ReadAll(folder / ("recut/" + file.name())))
        << file.name();
  EXPECT_NE(ReadAll(folder / "recut/indices.npy"), five_parts);
}

TEST(PartitionStore, CutAgainIsAsIfCutForTheFirstTime) { ExpectRecutIsADirectCut(false); }

TEST(PartitionStore, CutsSparseFeatures) {
  ExpectRecutIsADirectCut(true);
  TempDir folder;
  ThreadPool pool(1);
  ImportedStore imported{RandomGraph(30, 60, false, 1), RandomValues(30 * 3, 2), 3, true, {}};
  for (size_t i = 0; i < imported.features.size(); i += 2) imported.features[i] = 0;
  ASSERT_OK(WriteImportedStore(folder / "s", imported));
  ASSERT_OK(PartitionStore(folder / "s", Hash(3), pool));
  ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(folder / "s"));
  ASSERT_OK_AND_ASSIGN(const auto ids, store->original_ids());
  ASSERT_OK_AND_ASSIGN(const NpyFile* indptr, store->array("raw.indptr.npy"));
  ASSERT_OK_AND_ASSIGN(const NpyFile* indices, store->array("raw.indices.npy"));
  ASSERT_OK_AND_ASSIGN(const NpyFile* values, store->array("raw.values.npy"));
  std::vector<float> dense(imported.features.size());
  for (size_t v = 0; v < 30; ++v)
    for (auto e = static_cast<size_t>(indptr->values<int64_t>()[v]);
         e < static_cast<size_t>(indptr->values<int64_t>()[v + 1]); ++e)
      dense[static_cast<size_t>(ids[v]) * 3 + indices->values<uint32_t>()[e]] =
          values->values<float>()[e];
  EXPECT_EQ(dense, imported.features);
}

TEST(PartitionStore, DoesNotDependOnTheThreads) {
  TempDir folder;
  const ImportedStore imported{
      RandomGraph(3000, 9000, false, 1), {}, 0, false, FirstTrain(3000, 900)};
  std::vector<std::string> indices;
  for (const int num_threads : {1, 2, 3}) {
    ThreadPool pool(num_threads);
    ASSERT_OK(WriteImportedStore(folder / "s", imported));
    ASSERT_OK(PartitionStore(folder / "s", Hash(4), pool));
    indices.push_back(ReadAll(folder / "s/indices.npy"));
  }
  EXPECT_EQ(indices[1], indices[0]);
  EXPECT_EQ(indices[2], indices[0]);
}

TEST(PartitionStore, OrdersAPartBreadthFirstFromItsHub) {
  TempDir folder;
  ThreadPool pool(1);
  // 3 is the hub; 6 hangs on 1, 0 - 4 is a part of its own, 7 is alone.
  const TestGraph graph = GraphOf(8, {{3, 5}, {3, 2}, {3, 1}, {1, 6}, {0, 4}});
  ASSERT_OK(WriteImportedStore(folder / "s", {graph, {}, 0, false, {}}));
  ASSERT_OK(PartitionStore(folder / "s", Hash(1), pool));
  ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(folder / "s"));
  ASSERT_OK_AND_ASSIGN(const auto ids, store->original_ids());
  EXPECT_THAT(ids, ElementsAre(3, 1, 2, 5, 6, 0, 4, 7));
}

// 0 - 1 - 2 - 3 - 4 - 5, dealt out so that 3 stands with 0 and 1.
TEST(CutQuality, CountsArcsAndHalo) {
  const TestGraph graph = GraphOf(6, {{0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 5}});
  const std::vector<int32_t> part_of = {0, 0, 1, 0, 1, 1};
  ThreadPool pool(2);
  const CutQuality quality = CutQuality::Of(graph.topology(), part_of, {{1, 0, 0, 1, 1, 0}},
                                            PartGroups::Of(part_of, 2), pool);
  const PartFigures& part = quality.parts[0];
  EXPECT_EQ(part.nodes, 3);
  EXPECT_EQ(part.arcs, 5);
  EXPECT_EQ(part.cut_arcs, 3);    // 1 -> 2, 3 -> 2, 3 -> 4
  EXPECT_EQ(part.halo_nodes, 2);  // 2 and 4
  EXPECT_EQ(part.train, 2);
  EXPECT_EQ(quality.Total().cut_arcs, 6);
}

TEST(CutQuality, FindsNothingRemoteInOnePartAndAllRemoteInATwoColouring) {
  TestArcs arcs;
  for (uint32_t a = 0; a < 20; ++a)
    for (uint32_t b = 20; b < 40; ++b) arcs.emplace_back(a, b);
  const TestGraph graph = GraphOf(40, arcs);
  ThreadPool pool(1);
  std::vector<int32_t> part_of(40);
  EXPECT_EQ(
      CutQuality::Of(graph.topology(), part_of, {}, PartGroups::Of(part_of, 1), pool).remote_share,
      0);
  for (size_t v = 20; v < 40; ++v) part_of[v] = 1;
  // Of 20 + 20 * 20 paths the 20 of one arc end on the other side. 40 * 32 draws of that
  // probability: 5 standard deviations are 0.03.
  EXPECT_NEAR(
      CutQuality::Of(graph.topology(), part_of, {}, PartGroups::Of(part_of, 2), pool).remote_share,
      1.0 / 21, 0.03);
}

TEST(PartitionStore, MetisReportsTheCutOfTwoCliques) {
  TempDir folder;
  ThreadPool pool(1);
  ASSERT_OK(WriteTinyStore(folder / "s", {.graph_nodes = 80}));
  const auto report = PartitionStore(folder / "s", {2, "metis", 0, 0.05}, pool);
  if (absl::IsUnavailable(report.status())) GTEST_SKIP() << report.status();
  ASSERT_OK(report);
  EXPECT_EQ(report->quality.Total().cut_arcs, 2);
  EXPECT_EQ(report->quality.Total().halo_nodes, 2);
  EXPECT_THAT(report->Describe(), HasSubstr("cut arcs: 2 of 3122"));
}

TEST(PartitionStore, LowersPartsThatWouldTrainOnTooFewNodes) {
  TempDir folder;
  ThreadPool pool(1);
  ASSERT_OK(WriteImportedStore(
      folder / "s", {RandomGraph(200, 400, false, 1), {}, 0, false, FirstTrain(200, 50)}));
  ASSERT_OK_AND_ASSIGN(const PartitionReport report, PartitionStore(folder / "s", Hash(8), pool));
  EXPECT_EQ(report.parts(), 3);  // 50 / 16
  EXPECT_THAT(report.Describe(), AllOf(HasSubstr("3 parts (of 8 asked: split "),
                                       HasSubstr(" has 50 training nodes, and each part keeps")));
  ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(folder / "s"));
  EXPECT_EQ(store->FindStep("partition")->options(), "method=hash parts=8 seed=0 imbalance=0.05");
}

TEST(PartitionStore, LowersPartsToTheNodes) {
  TempDir folder;
  ThreadPool pool(1);
  ASSERT_OK(WriteImportedStore(folder / "s", {RandomGraph(3, 2, false, 1), {}, 0, false, {}}));
  ASSERT_OK_AND_ASSIGN(const PartitionReport report, PartitionStore(folder / "s", Hash(4), pool));
  EXPECT_EQ(report.parts(), 3);
  EXPECT_THAT(report.Describe(), HasSubstr("3 parts (of 4 asked: the graph has no more nodes)"));
  EXPECT_THAT(PartitionStore(folder / "s", Hash(0), pool),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--parts is 0")));
}

TEST(PartitionStore, SaysWherePartsAreLessEvenThanAllowed) {
  TempDir folder;
  ThreadPool pool(1);
  ASSERT_OK(WriteImportedStore(folder / "s", {StarGraph(1000), {}, 0, false, {}}));
  ASSERT_OK_AND_ASSIGN(const PartitionReport report, PartitionStore(folder / "s", Hash(4), pool));
  EXPECT_THAT(report.Describe(), HasSubstr("parts are uneven: the largest has "));
  EXPECT_THAT(report.Describe(), HasSubstr("% more arcs than the mean (allowed: 5.0 %)\n"));
}

TEST(PartitionStore, RefusesAStoreWithAFileItDoesNotKnow) {
  TempDir folder;
  ThreadPool pool(1);
  ASSERT_OK(WriteImportedStore(folder / "s", {RandomGraph(20, 40, false, 1), {}, 0, false, {}}));
  {
    ASSERT_OK_AND_ASSIGN(const auto writer, StoreWriter::Begin(folder / "s"));
    ASSERT_OK(writer->AddText("weights.npy", "?"));
    ASSERT_OK(writer->Commit(Provenance(), pool));
  }
  const std::string before = ReadAll(folder / "s/store.textproto");
  EXPECT_THAT(PartitionStore(folder / "s", Hash(2), pool),
              StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("weights.npy")));
  EXPECT_EQ(ReadAll(folder / "s/store.textproto"), before);
}

TEST(PartitionStore, RefusesOriginalIdsThatRepeat) {
  TempDir folder;
  ThreadPool pool(1);
  ASSERT_OK(WriteImportedStore(folder / "s", {GraphOf(3, {{0, 1}}), {}, 0, false, {}}));
  {
    ASSERT_OK_AND_ASSIGN(const auto writer, StoreWriter::Begin(folder / "s"));
    ASSERT_OK(AddTestArray<int64_t>(*writer, "original_ids.npy", {3}, {0, 1, 1}));
    ASSERT_OK(writer->Commit(Provenance(), pool));
  }
  EXPECT_THAT(PartitionStore(folder / "s", Hash(2), pool),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("node 2 has id 1")));
}

TEST(GraphStatistics, CountsDegreesAndSplits) {
  TempDir folder;
  ThreadPool pool(2);
  ASSERT_OK(WriteImportedStore(
      folder / "s", {GraphOf(5, {{0, 1}, {0, 2}, {0, 3}}), {}, 0, false, FirstTrain(5, 2)}));
  ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(folder / "s"));
  ASSERT_OK_AND_ASSIGN(const GraphStatistics statistics, GraphStatistics::Of(*store, pool));
  EXPECT_EQ(statistics.nodes, 5);
  EXPECT_EQ(statistics.arcs, 6);
  EXPECT_EQ(statistics.min_degree, 0);
  EXPECT_EQ(statistics.max_degree, 3);
  EXPECT_DOUBLE_EQ(statistics.mean_degree, 1.2);
  EXPECT_EQ(statistics.without_out_neighbours, 1);
  ASSERT_EQ(statistics.splits.size(), 1u);
  EXPECT_EQ(statistics.splits[0].name, "only");
  EXPECT_EQ(statistics.splits[0].train, 2);
  EXPECT_EQ(statistics.splits[0].valid, 0);
  EXPECT_EQ(statistics.splits[0].test, 3);
}

}  // namespace
}  // namespace quadhop
