#include "core/store/store.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "core/files/checksum.h"
#include "core/files/file.h"
#include "core/store/manifest.h"
#include "core/store/store_writer.h"
#include "tests/support/graphs.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> FilesIn(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

void FlipByte(const std::string& path, size_t at, uint8_t mask) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  const auto place = static_cast<std::streamoff>(at);
  file.seekg(place);
  const int byte = file.get();
  file.seekp(place);
  file.put(static_cast<char>(byte ^ mask));
  ASSERT_TRUE(file.good());
}

// The manifest with a change, and a checksum that fits it.
void EditManifest(const std::string& store, const std::function<void(StoreManifest&)>& change) {
  const std::string path = absl::StrCat(store, "/", kStoreManifestName);
  StoreManifest manifest = ReadManifest(path).value();
  change(manifest);
  ASSERT_OK(WriteFileAtomically(path, ManifestToText(manifest)));
}

class StoreTest : public testing::Test {
 protected:
  void Write(const TinyStoreOptions& options) { ASSERT_OK(WriteTinyStore(path_, options)); }
  std::string File(absl::string_view name) const { return absl::StrCat(path_, "/", name); }

  TempDir dir_;
  const std::string path_ = dir_ / "S.qh";
  ThreadPool pool_{2};
};

TEST_F(StoreTest, GivesBackWhatTheWriterWasGiven) {
  TinyStoreOptions options;
  options.graph = TinyGraph::kPath;
  options.graph_nodes = 4;
  options.isolated_nodes = 1;
  options.partitions = 2;
  Write(options);
  ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(path_));
  EXPECT_EQ(store->path(), path_);
  EXPECT_EQ(store->num_nodes(), 5);
  EXPECT_EQ(store->num_partitions(), 2);
  EXPECT_EQ(store->PartitionNodes(PartitionId(0)).end, 2);
  EXPECT_EQ(store->PartitionNodes(PartitionId(1)).begin, 2);
  EXPECT_EQ(store->PartitionNodes(PartitionId(1)).end, 5);
  ASSERT_OK_AND_ASSIGN(const Topology topology, store->topology());
  EXPECT_THAT(topology.indptr, ElementsAre(0, 1, 3, 5, 6, 6));
  EXPECT_THAT(topology.indices32, ElementsAre(1, 0, 2, 1, 3, 2));
  EXPECT_TRUE(topology.indices64.empty());
  EXPECT_EQ(topology.num_nodes(), 5);
  EXPECT_EQ(topology.num_arcs(), 6);
  EXPECT_EQ(topology.degree(1), 2);
  EXPECT_THAT(store->labels().value(), ElementsAre(0, 1, 2, 0, 1));
  EXPECT_THAT(store->original_ids().value(), ElementsAre(4, 3, 2, 1, 0));
  ASSERT_OK_AND_ASSIGN(const TensorView<const float> pos_enc, store->pos_enc());
  ASSERT_TRUE(pos_enc.HasDims({5, 2}));
  EXPECT_EQ(pos_enc.row(3)[1], TinyPosEnc(3, 1));
  EXPECT_OK(store->VerifyAll(pool_));
}

TEST_F(StoreTest, ReadsFeaturesOfEveryDType) {
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    TinyStoreOptions options;
    options.feature_dtype = dtype;
    Write(options);
    ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(path_));
    ASSERT_OK_AND_ASSIGN(const FeatureTable features, store->features());
    EXPECT_EQ(features.dtype, dtype);
    ASSERT_EQ(features.row_size(), 3 * 4);
    ASSERT_EQ(features.row_bytes(), 3 * 4 * SizeOfDType(dtype));
    std::vector<float> values(static_cast<size_t>(features.num_nodes * features.row_size()));
    ConvertToFloat(dtype, features.data, static_cast<int64_t>(values.size()), values.data());
    for (int64_t v = 0; v < 12; ++v) {
      for (int64_t hop = 0; hop < 3; ++hop) {
        for (int64_t f = 0; f < 4; ++f)
          EXPECT_EQ(values[static_cast<size_t>((v * 3 + hop) * 4 + f)], TinyFeature(v, hop, f));
      }
    }
  }
}

TEST_F(StoreTest, ReadsWideIdsAndMultiLabels) {
  TinyStoreOptions options;
  options.graph = TinyGraph::kDirectedChain;
  options.graph_nodes = 3;
  options.wide_ids = true;
  options.multi_label = true;
  Write(options);
  ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(path_));
  EXPECT_THAT(store->topology().value().indices64, ElementsAre(1, 2));
  // (v + 1)(c + 1) mod 3 == 0
  EXPECT_THAT(store->multi_labels().value(), ElementsAre(0, 0, 1, 0, 0, 1, 1, 1, 1));
  EXPECT_THAT(store->labels(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("multi-label")));
}

TEST_F(StoreTest, TakesTheFirstSplitByNameUnlessOneIsNamed) {
  TinyStoreOptions options;
  options.graph_nodes = 5;
  options.splits = {"zebra", "alpha"};
  Write(options);
  ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(path_));
  EXPECT_EQ(store->DefaultSplit(), "alpha");
  EXPECT_THAT(store->split("zebra").value(), ElementsAre(1, 1, 2, 1, 3));
  EXPECT_THAT(store->split("alpha").value(), ElementsAre(1, 2, 1, 3, 1));
  EXPECT_THAT(store->split("").value(), ElementsAre(1, 2, 1, 3, 1));
  EXPECT_THAT(store->split("beta"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("'beta'"), HasSubstr("zebra, alpha"))));
}

TEST_F(StoreTest, AnArrayNotMadeYetNamesTheCommandThatMakesIt) {
  TinyStoreOptions options;
  options.pos_enc_width = 0;
  Write(options);
  ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(path_));
  EXPECT_FALSE(store->HasFile("pos_enc.npy"));
  EXPECT_EQ(store->FindStep("encode"), nullptr);
  EXPECT_NE(store->FindStep("import"), nullptr);
  EXPECT_THAT(store->pos_enc(), StatusIs(absl::StatusCode::kFailedPrecondition,
                                         HasSubstr("quadhop encode --store " + path_)));
}

TEST_F(StoreTest, WhatIsNoStoreIsNotFound) {
  EXPECT_THAT(Store::Open(dir_ / "none"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr(dir_ / "none")));
  EXPECT_THAT(Store::Open(dir_.path()),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("store.textproto")));
}

TEST_F(StoreTest, WhatCannotBeLookedAtIsNotSaidToBeNoStore) {
  std::filesystem::create_symlink("loop", dir_ / "loop");
  for (const std::string& path : {dir_ / "loop", dir_ / "loop/store.qh"})
    EXPECT_THAT(Store::Open(path), StatusIs(absl::StatusCode::kInternal,
                                            AllOf(HasSubstr(path), HasSubstr("symbolic"))));
  ASSERT_OK(MakeDirectories(dir_ / "store.qh"));
  std::filesystem::create_symlink("store.textproto", dir_ / "store.qh/store.textproto");
  EXPECT_THAT(Store::Open(dir_ / "store.qh"), StatusIs(absl::StatusCode::kInternal));
}

TEST_F(StoreTest, AnotherFormatVersionIsRefused) {
  Write({});
  EditManifest(path_, [](StoreManifest& m) { m.set_format_version(7); });
  EXPECT_THAT(Store::Open(path_), StatusIs(absl::StatusCode::kFailedPrecondition,
                                           AllOf(HasSubstr("version 7"), HasSubstr("version 1"))));
}

TEST_F(StoreTest, AMissingOrCutFileIsNamedWhenOpened) {
  Write({});
  const std::string whole = ReadFile(File("labels.npy")).value();
  ASSERT_OK(WriteFileAtomically(File("labels.npy"), whole.substr(0, whole.size() - 1)));
  EXPECT_THAT(Store::Open(path_), StatusIs(absl::StatusCode::kDataLoss,
                                           AllOf(HasSubstr(File("labels.npy")),
                                                 HasSubstr("175 bytes"), HasSubstr("176"))));
  ASSERT_OK(RemoveFileIfPresent(File("labels.npy")));
  EXPECT_THAT(Store::Open(path_),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr(File("labels.npy"))));
  ASSERT_OK(WriteFileAtomically(File("labels.npy"), whole));
  ASSERT_OK(Store::Open(path_));
  ASSERT_OK(RemoveFileIfPresent(File("labels.npy.xxh3")));
  EXPECT_THAT(Store::Open(path_),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr(File("labels.npy.xxh3"))));
}

TEST_F(StoreTest, EveryFlippedByteOfEveryFileIsFound) {
  TinyStoreOptions options;
  options.graph_nodes = 4;
  Write(options);
  ASSERT_THAT(FilesIn(path_), testing::SizeIs(2 * 7 + 1));
  for (const std::string& name : FilesIn(path_)) {
    const size_t num_bytes = ReadFile(File(name)).value().size();
    for (size_t at = 0; at < num_bytes; ++at) {
      const uint8_t mask = static_cast<uint8_t>(1 << (at % 8));
      FlipByte(File(name), at, mask);
      const auto store = Store::Open(path_);
      const absl::Status status = store.ok() ? (*store)->VerifyAll(pool_) : store.status();
      ASSERT_THAT(status, StatusIs(testing::_, HasSubstr(File(name)))) << name << " byte " << at;
      if (store.ok()) {
        ASSERT_THAT(status, StatusIs(absl::StatusCode::kDataLoss,
                                     HasSubstr(absl::StrCat("bytes [0, ", num_bytes, ")"))));
      }
      FlipByte(File(name), at, mask);
    }
  }
  ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(path_));
  EXPECT_OK(store->VerifyAll(pool_));
}

TEST_F(StoreTest, NodesAreVerifiedInEveryFileOfNodes) {
  TinyStoreOptions options;
  options.partitions = 3;
  Write(options);
  for (const char* name : {"indptr.npy", "indices.npy", "features.npy", "labels.npy", "splits.npy",
                           "pos_enc.npy", "original_ids.npy"}) {
    const size_t last = ReadFile(File(name)).value().size() - 1;
    FlipByte(File(name), last, 0x10);
    ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(path_));
    EXPECT_THAT(store->VerifyNodes(store->PartitionNodes(PartitionId(2)), pool_),
                StatusIs(absl::StatusCode::kDataLoss,
                         AllOf(HasSubstr(File(name)), HasSubstr("or run `quadhop "))));
    FlipByte(File(name), last, 0x10);
    EXPECT_OK(store->VerifyNodes({0, store->num_nodes()}, pool_));
  }
}

// Of a file of several chunks, a rank reads only those in which its partitions lie.
TEST_F(StoreTest, DamageInAnotherPartitionsChunkIsNotOurs) {
  constexpr int64_t kNodes = 3 * (kChecksumChunkBytes / 8);
  {
    ASSERT_OK_AND_ASSIGN(const auto writer, StoreWriter::Begin(path_));
    writer->manifest().set_nodes(kNodes);
    for (const int64_t offset : {int64_t{0}, kNodes / 3, 2 * kNodes / 3, kNodes})
      writer->manifest().add_partition_offsets(offset);
    ASSERT_OK(writer->AddArray("original_ids.npy", DType::kI64, {kNodes}).status());
    Provenance step;
    step.set_step("import");
    ASSERT_OK(writer->Commit(step, pool_));
  }
  FlipByte(File("original_ids.npy"), 1000, 1);
  ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(path_));
  EXPECT_THAT(store->VerifyNodes(store->PartitionNodes(PartitionId(0)), pool_),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("[0, 67108864)")));
  EXPECT_OK(store->VerifyNodes(store->PartitionNodes(PartitionId(2)), pool_));
}

TEST_F(StoreTest, ArraysThatDoNotFitTheManifestAreRefusedWhenUsed) {
  const auto refuses = [&](const std::function<void(StoreManifest&)>& change,
                           const std::function<absl::Status(const Store&)>& use, const char* what) {
    Write({});
    EditManifest(path_, change);
    ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(path_));
    EXPECT_THAT(use(*store), StatusIs(absl::StatusCode::kDataLoss, HasSubstr(what)));
    std::filesystem::remove_all(path_);
  };
  const auto topology = [](const Store& s) { return s.topology().status(); };
  const auto one_more_node = [](StoreManifest& m) {
    m.set_nodes(13);
    m.set_partition_offsets(1, 13);
  };
  refuses(one_more_node, topology, "must be i64 [14]");
  refuses([](StoreManifest& m) { m.set_arcs(63); }, topology, "must be u32 or i64 [63]");
  refuses(
      one_more_node, [](const Store& s) { return s.labels().status(); }, "must be i32 [13]");
  refuses(
      one_more_node, [](const Store& s) { return s.split("").status(); }, "must be u8 [2, 13]");
  refuses(
      one_more_node, [](const Store& s) { return s.original_ids().status(); }, "must be i64 [13]");
  refuses([](StoreManifest& m) { m.set_hops(1); },
          [](const Store& s) { return s.features().status(); },
          "is f32 [12, 3, 4], but by the manifest it must be f32 [12, 2, 4]");
  refuses([](StoreManifest& m) { m.set_feature_dtype("bf16"); },
          [](const Store& s) { return s.features().status(); }, "must be u16 [12, 3, 4]");
  refuses([](StoreManifest& m) { m.set_pos_enc_width(3); },
          [](const Store& s) { return s.pos_enc().status(); }, "must be f32 [12, 3]");
  refuses([](StoreManifest& m) { m.set_multi_label(true); },
          [](const Store& s) { return s.multi_labels().status(); }, "must be u8 [12, 3]");
}

TEST_F(StoreTest, OffsetsThatDoNotSpanTheArcsAreRefused) {
  Write({});
  {
    ASSERT_OK_AND_ASSIGN(const auto writer, StoreWriter::Begin(path_));
    ASSERT_OK_AND_ASSIGN(const absl::Span<uint8_t> bytes,
                         writer->AddArray("indptr.npy", DType::kI64, {13}));
    reinterpret_cast<int64_t*>(bytes.data())[12] = 61;
    ASSERT_OK(writer->Commit(Provenance(), pool_));
  }
  ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(path_));
  EXPECT_THAT(store->topology(), StatusIs(absl::StatusCode::kDataLoss,
                                          AllOf(HasSubstr("from 0 to 61"), HasSubstr("62"))));
}

// What the steps that make a file anew ask for.
TEST_F(StoreTest, AFileThatMayBeLackingIsLeftOutWithItsStep) {
  for (const char* lost : {"/features.npy", "/features.npy.xxh3"}) {
    Write({});
    EditManifest(path_, [](StoreManifest& m) { m.add_provenance()->set_step("propagate"); });
    ASSERT_OK(RemoveFileIfPresent(path_ + lost));
    EXPECT_THAT(Store::Open(path_, {"pos_enc.npy"}),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr("run `quadhop propagate` again")));
    ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(path_, {"features.npy"}));
    EXPECT_FALSE(store->HasFile("features.npy"));
    EXPECT_EQ(store->FindStep("propagate"), nullptr);
    EXPECT_EQ(store->manifest().hops(), 0);
    EXPECT_OK(store->topology());
  }
}

}  // namespace
}  // namespace quadhop
