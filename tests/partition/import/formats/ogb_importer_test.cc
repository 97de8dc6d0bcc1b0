#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "core/store/store.h"
#include "partition/import/import.h"
#include "tests/partition/import/arrays/pickle_writers.h"
#include "tests/partition/import/formats/format_writers.h"
#include "tests/partition/import/import_testing.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// 4 nodes, 5 edges of which one is a duplicate and one a self-loop.
class OgbImporter : public ::testing::Test {
 protected:
  OgbImporter() {
    input_.Write("raw/num-node-list.csv.gz", GzipOf("4\n"));
    input_.Write("raw/num-edge-list.csv.gz", GzipOf("5\n"));
    input_.Write("raw/edge.csv.gz", GzipOf("0,1\n3,0\n1,1\n0,1\n1,0\n"));
    input_.Write("raw/node-feat.csv.gz", GzipOf("0.5,1\n-2,0\n1e-3,3\n4,5.25\n"));
    input_.Write("raw/node-label.csv.gz", GzipOf("2.0\nnan\n0.0\n1.0\n"));
    input_.Write("split/time/train.csv.gz", GzipOf("3\n0\n"));
    input_.Write("split/time/valid.csv.gz", GzipOf("2\n"));
    input_.Write("split/time/test.csv.gz", GzipOf(""));
  }

  absl::StatusOr<ImportReport> ImportIt(bool directed = false) {
    ImportOptions options;
    options.from = input_.path();
    options.store = store_path();
    options.directed = directed;
    return Import(options, pool_);
  }
  std::string store_path() const { return output_ / "s.qh"; }

  // Imports with one file replaced; nothing must be left behind.
  absl::Status ErrorWith(const std::string& name, const std::string& text) {
    input_.Write(name, text);
    const absl::Status status = ImportIt().status();
    EXPECT_FALSE(std::filesystem::exists(store_path()));
    return status;
  }

  InputFolder input_;
  TempDir output_;
  ThreadPool pool_{3};
};

template <typename T>
std::vector<T> Vector(absl::Span<const T> values) {
  return {values.begin(), values.end()};
}

TEST_F(OgbImporter, WritesEveryArrayOfTheStore) {
  input_.Write("split/.ipynb_checkpoints/train.csv", "");  // no split
  ASSERT_OK_AND_ASSIGN(const ImportReport report, ImportIt());
  EXPECT_EQ(report.format, "ogb");
  EXPECT_EQ(report.nodes, 4);
  EXPECT_EQ(report.arcs_read, 5);
  EXPECT_EQ(report.duplicates_removed, 1);
  EXPECT_EQ(report.self_loops_removed, 1);
  EXPECT_EQ(report.inverses_added, 1);
  EXPECT_EQ(report.without_out_neighbours, 1);
  EXPECT_EQ(report.unlabelled, 1);
  EXPECT_THAT(report.splits, ElementsAre("time"));

  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Store> store, Store::Open(store_path()));
  EXPECT_OK(store->VerifyAll(pool_));
  const StoreManifest& manifest = store->manifest();
  EXPECT_EQ(manifest.nodes(), 4);
  EXPECT_EQ(manifest.arcs(), 4);
  EXPECT_FALSE(manifest.directed());
  EXPECT_EQ(manifest.features(), 2);
  EXPECT_EQ(manifest.hops(), 0);
  EXPECT_EQ(manifest.classes(), 3);
  EXPECT_FALSE(manifest.multi_label());
  EXPECT_THAT(manifest.partition_offsets(), ElementsAre(0, 4));
  ASSERT_NE(store->FindStep("import"), nullptr);
  EXPECT_EQ(store->FindStep("import")->options(), "format=ogb directed=false");
  EXPECT_EQ(store->FindStep("import")->sources(), "--from " + AbsolutePath(input_.path()));

  ASSERT_OK_AND_ASSIGN(const Topology topology, store->topology());
  EXPECT_THAT(topology.indptr, ElementsAre(0, 2, 3, 3, 4));
  EXPECT_THAT(topology.indices32, ElementsAre(1, 3, 0, 0));
  ASSERT_OK_AND_ASSIGN(const NpyFile* raw, store->array("raw.npy"));
  EXPECT_THAT(raw->header().dims, ElementsAre(4, 2));
  EXPECT_THAT(Vector(raw->values<float>()),
              ElementsAre(0.5f, 1.0f, -2.0f, 0.0f, 0.001f, 3.0f, 4.0f, 5.25f));
  ASSERT_OK_AND_ASSIGN(const absl::Span<const int32_t> labels, store->labels());
  EXPECT_THAT(labels, ElementsAre(2, kUnlabelled, 0, 1));
  ASSERT_OK_AND_ASSIGN(const absl::Span<const uint8_t> split, store->split("time"));
  EXPECT_THAT(split, ElementsAre(1, 0, 2, 1));
  ASSERT_OK_AND_ASSIGN(const absl::Span<const int64_t> ids, store->original_ids());
  EXPECT_THAT(ids, ElementsAre(0, 1, 2, 3));
}

TEST_F(OgbImporter, KeepsDirectionWhereAsked) {
  ASSERT_OK_AND_ASSIGN(const ImportReport report, ImportIt(/*directed=*/true));
  EXPECT_EQ(report.arcs, 3);
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Store> store, Store::Open(store_path()));
  EXPECT_TRUE(store->manifest().directed());
  ASSERT_OK_AND_ASSIGN(const Topology topology, store->topology());
  EXPECT_THAT(topology.indptr, ElementsAre(0, 1, 2, 2, 3));
  EXPECT_THAT(topology.indices32, ElementsAre(1, 0, 0));
}

TEST_F(OgbImporter, TakesPlainCsvFilesToo) {
  std::filesystem::remove(input_ / "raw/edge.csv.gz");
  input_.Write("raw/edge.csv", "0,1\r\n3,0\r\n1,1\r\n0,1\r\n1,0\r\n");
  ASSERT_OK_AND_ASSIGN(const ImportReport report, ImportIt());
  EXPECT_EQ(report.arcs, 4);
}

TEST_F(OgbImporter, TakesSeveralLabelColumnsAsAMultiLabelTarget) {
  input_.Write("raw/node-label.csv.gz", GzipOf("0,1.0\n1,nan\nnan,nan\n0,0\n"));
  ASSERT_OK_AND_ASSIGN(const ImportReport report, ImportIt());
  EXPECT_TRUE(report.multi_label);
  EXPECT_EQ(report.classes, 2);
  EXPECT_EQ(report.unlabelled, 1);
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Store> store, Store::Open(store_path()));
  ASSERT_OK_AND_ASSIGN(const absl::Span<const uint8_t> labels, store->multi_labels());
  EXPECT_THAT(labels,
              ElementsAre(0, 1, 1, kUnlabelledMulti, kUnlabelledMulti, kUnlabelledMulti, 0, 0));
}

TEST_F(OgbImporter, TakesMinusOneForANodeWithoutAClass) {
  input_.Write("raw/node-label.csv.gz", GzipOf("2\n-1\n0\n1\n"));
  ASSERT_OK_AND_ASSIGN(const ImportReport report, ImportIt());
  EXPECT_EQ(report.unlabelled, 1);
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Store> store, Store::Open(store_path()));
  ASSERT_OK_AND_ASSIGN(const absl::Span<const int32_t> labels, store->labels());
  EXPECT_THAT(labels, ElementsAre(2, kUnlabelled, 0, 1));
}

TEST_F(OgbImporter, SaysWhatIsMissingWithoutFeaturesLabelsAndSplits) {
  std::filesystem::remove(input_ / "raw/node-feat.csv.gz");
  std::filesystem::remove(input_ / "raw/node-label.csv.gz");
  std::filesystem::remove_all(input_ / "split");
  ASSERT_OK_AND_ASSIGN(const ImportReport report, ImportIt());
  EXPECT_THAT(report.Describe(), HasSubstr("no node-feat file"));
  EXPECT_THAT(report.Describe(), HasSubstr("no node-label file"));
  EXPECT_THAT(report.Describe(), HasSubstr("the store has no split"));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Store> store, Store::Open(store_path()));
  EXPECT_FALSE(store->HasFile("raw.npy"));
  EXPECT_FALSE(store->HasFile("labels.npy"));
  EXPECT_FALSE(store->HasFile("splits.npy"));
}

TEST_F(OgbImporter, ReplacesEverythingThatTheStoreHeld) {
  ASSERT_OK(ImportIt());
  std::filesystem::remove(input_ / "raw/node-feat.csv.gz");
  ASSERT_OK(ImportIt());
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Store> store, Store::Open(store_path()));
  EXPECT_FALSE(store->HasFile("raw.npy"));
  EXPECT_FALSE(std::filesystem::exists(store_path() + "/raw.npy"));
  EXPECT_EQ(store->manifest().features(), 0);
  EXPECT_EQ(store->manifest().provenance_size(), 1);
  EXPECT_OK(store->VerifyAll(pool_));
}

TEST_F(OgbImporter, LeavesAPresentStoreAsItWasOnError) {
  ASSERT_OK(ImportIt());
  input_.Write("raw/node-label.csv.gz", GzipOf("2\n1\n0\n-2\n"));
  EXPECT_THAT(ImportIt(), StatusIs(absl::StatusCode::kInvalidArgument));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Store> store, Store::Open(store_path()));
  EXPECT_OK(store->VerifyAll(pool_));
  ASSERT_OK_AND_ASSIGN(const absl::Span<const int32_t> labels, store->labels());
  EXPECT_THAT(labels, ElementsAre(2, kUnlabelled, 0, 1));
}

// The errors. Every message names the file, and the line and column where there is one.

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;

TEST_F(OgbImporter, ReportsAMissingFile) {
  for (const char* name : {"raw/num-node-list", "raw/num-edge-list", "split/time/valid"}) {
    const std::string path = std::string(name) + ".csv.gz";
    std::filesystem::rename(input_ / path, input_ / "aside");
    EXPECT_THAT(ImportIt(), StatusIs(absl::StatusCode::kNotFound, HasSubstr(path)));
    EXPECT_FALSE(std::filesystem::exists(store_path()));
    std::filesystem::rename(input_ / "aside", input_ / path);
  }
}

TEST_F(OgbImporter, ReportsAFileCutShort) {
  const std::string packed = GzipOf("0.5,1\n-2,0\n1e-3,3\n4,5.25\n");
  EXPECT_THAT(ErrorWith("raw/node-feat.csv.gz", packed.substr(0, packed.size() - 3)),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("node-feat.csv.gz is cut short")));
}

TEST_F(OgbImporter, ReportsACorruptFile) {
  std::string packed = GzipOf("0,1\n3,0\n1,1\n0,1\n1,0\n");
  packed[packed.size() - 5] ^= 1;
  EXPECT_THAT(ErrorWith("raw/edge.csv.gz", packed),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("edge.csv.gz is corrupt")));
}

TEST_F(OgbImporter, ReportsWhatIsNoNumber) {
  EXPECT_THAT(ErrorWith("raw/edge.csv.gz", GzipOf("0,1\n3,0\n1,x\n0,1\n1,0\n")),
              StatusIs(kInvalid, HasSubstr("edge.csv.gz line 3 column 2 is \"x\"")));
}

TEST_F(OgbImporter, ReportsRowsOfAnotherWidth) {
  EXPECT_THAT(ErrorWith("raw/node-feat.csv.gz", GzipOf("1,2\n3,4\n5\n6,7\n")),
              StatusIs(kInvalid, HasSubstr("node-feat.csv.gz line 3 has 1 columns where 2 are")));
  EXPECT_THAT(ErrorWith("raw/node-feat.csv.gz", GzipOf("1,2\n3,4\n5,6,7\n6,7\n")),
              StatusIs(kInvalid, HasSubstr("node-feat.csv.gz line 3 has 3 columns where 2 are")));
}

// As OGB's DatasetSaver writes it: {"train": tensor([3, 0]), "valid": tensor([2]), "test":
// tensor([])}.
void WriteTorchSplit(const std::string& path, const std::vector<int64_t>& train) {
  const auto size = static_cast<int64_t>(train.size());
  const std::string dict = absl::StrCat(
      "}(", PickledText("train"), PickledTensor("LongStorage", "0", size, 0, {size}, {1}),
      PickledText("valid"), PickledTensor("LongStorage", "1", 1, 0, {1}, {1}), PickledText("test"),
      PickledTensor("LongStorage", "2", 0, 0, {0}, {1}), "u");
  WriteZip(path,
           {{"split_dict/data.pkl", Pickled(dict)},
            {"split_dict/data/0", BytesOf(train)},
            {"split_dict/data/1", BytesOf<int64_t>({2})},
            {"split_dict/data/2", ""}},
           /*deflate=*/false);
}

TEST_F(OgbImporter, ReadsTheSplitThatPyTorchSaved) {
  std::filesystem::remove_all(input_ / "split/time");
  input_.Write("split/scaffold/none", "");
  WriteTorchSplit(input_ / "split/scaffold/split_dict.pt", {3, 0});
  ASSERT_OK(ImportIt());
  ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(store_path()));
  ASSERT_OK_AND_ASSIGN(const auto split, store->split("scaffold"));
  EXPECT_THAT(Vector(split), ElementsAre(1, 0, 2, 1));
}

TEST_F(OgbImporter, ReportsNodesOutOfRangeInASplitThatPyTorchSaved) {
  std::filesystem::remove_all(input_ / "split/time");
  input_.Write("split/time/none", "");
  WriteTorchSplit(input_ / "split/time/split_dict.pt", {3, 4});
  EXPECT_THAT(ImportIt(), StatusIs(kInvalid, HasSubstr("split_dict.pt: train element 1 is node 4; "
                                                       "node ids are in [0, 4)")));
  WriteTorchSplit(input_ / "split/time/split_dict.pt", {3, 2});
  EXPECT_THAT(ImportIt(),
              StatusIs(kInvalid, HasSubstr("split_dict.pt: valid element 0 is node 2, in "
                                           "both train and valid of split time")));
}

TEST_F(OgbImporter, MakesNoRandomSplitWherePyTorchHasOneInNoFolder) {
  std::filesystem::remove_all(input_ / "split/time");
  input_.Write("split/split_dict.pt", "PK");
  EXPECT_THAT(ImportIt(), StatusIs(kInvalid, AllOf(HasSubstr("split/split_dict.pt is in no folder "
                                                             "of a split: move it to "),
                                                   HasSubstr("split/NAME/split_dict.pt"))));
}

TEST_F(OgbImporter, TakesTheCsvFilesBesideASplitOfPyTorch) {
  input_.Write("split/time/split_dict.pt", "PK");
  EXPECT_OK(ImportIt());
}

TEST_F(OgbImporter, ReportsIdsOutOfRange) {
  EXPECT_THAT(ErrorWith("raw/edge.csv.gz", GzipOf("0,1\n3,0\n4,1\n0,1\n1,0\n")),
              StatusIs(kInvalid, HasSubstr("edge.csv.gz line 3 column 1 is node 4; node ids are in "
                                           "[0, 4)")));
  EXPECT_THAT(ErrorWith("raw/edge.csv.gz", GzipOf("0,-1\n3,0\n1,1\n0,1\n1,0\n")),
              StatusIs(kInvalid, HasSubstr("edge.csv.gz line 1 column 2 is node -1")));
}

TEST_F(OgbImporter, ReportsFeaturesThatAreNotFinite) {
  EXPECT_THAT(ErrorWith("raw/node-feat.csv.gz", GzipOf("1,2\n3,nan\n5,6\n6,7\n")),
              StatusIs(kInvalid, HasSubstr("node-feat.csv.gz line 2 column 2 is nan")));
  EXPECT_THAT(ErrorWith("raw/node-feat.csv.gz", GzipOf("1,2\n3,4\n5,6\n1e39,7\n")),
              StatusIs(kInvalid, HasSubstr("node-feat.csv.gz line 4 column 1 is inf")));
}

TEST_F(OgbImporter, ReportsLabelsThatAreNoClasses) {
  const auto with = [&](const std::string& label) {
    return ErrorWith("raw/node-label.csv.gz", GzipOf("0\n1\n" + label + "\n0\n"));
  };
  const std::string place = "node-label.csv.gz line 3 column 1 is ";
  EXPECT_THAT(with("-2"), StatusIs(kInvalid, HasSubstr(place + "-2;")));
  EXPECT_THAT(with("0.5"), StatusIs(kInvalid, HasSubstr(place + "0.5;")));
  EXPECT_THAT(with("2147483648"), StatusIs(kInvalid, HasSubstr(place + "2.14748e+09;")));
  EXPECT_THAT(with("inf"), StatusIs(kInvalid, HasSubstr(place + "inf;")));
  EXPECT_THAT(ErrorWith("raw/node-label.csv.gz", GzipOf("0,1\n1,2\n0,0\n1,1\n")),
              StatusIs(kInvalid, HasSubstr("node-label.csv.gz line 2 column 2 is 2;")));
}

TEST_F(OgbImporter, ReportsSplitIdsOutOfRange) {
  EXPECT_THAT(ErrorWith("split/time/valid.csv.gz", GzipOf("2\n4\n")),
              StatusIs(kInvalid, HasSubstr("valid.csv.gz line 2 column 1 is node 4;")));
}

TEST_F(OgbImporter, ReportsSplitsThatOverlap) {
  EXPECT_THAT(ErrorWith("split/time/test.csv.gz", GzipOf("1\n3\n")),
              StatusIs(kInvalid, HasSubstr("test.csv.gz line 2 column 1 is node 3, in both train "
                                           "and test of split time")));
}

TEST_F(OgbImporter, ReportsCountsThatDiffer) {
  EXPECT_THAT(ErrorWith("raw/node-label.csv.gz", GzipOf("0\n1\n0\n")),
              StatusIs(kInvalid, HasSubstr("node-label.csv.gz has 3 rows, but num-node-list says "
                                           "4")));
  EXPECT_THAT(ErrorWith("raw/node-feat.csv.gz", GzipOf("1\n2\n3\n4\n5\n")),
              StatusIs(kInvalid, HasSubstr("node-feat.csv.gz line 5 is one row too many: "
                                           "num-node-list says 4")));
  EXPECT_THAT(ErrorWith("raw/num-edge-list.csv.gz", GzipOf("6\n")),
              StatusIs(kInvalid, HasSubstr("edge.csv.gz has 5 rows, but num-edge-list says 6")));
  EXPECT_THAT(ErrorWith("raw/num-node-list.csv.gz", GzipOf("4\n4\n")),
              StatusIs(kInvalid, HasSubstr("num-node-list.csv.gz has 2 lines")));
}

TEST_F(OgbImporter, RefusesAGraphWithoutNodes) {
  EXPECT_THAT(ErrorWith("raw/num-node-list.csv.gz", GzipOf("0\n")),
              StatusIs(kInvalid, HasSubstr("0 nodes")));
}

TEST(Import, SaysWhichFormatsItKnowsWhenNoneFits) {
  const TempDir empty;
  const TempDir output;
  ThreadPool pool(1);
  ImportOptions options{.from = empty.path(), .store = output / "s.qh"};
  EXPECT_THAT(Import(options, pool),
              StatusIs(kInvalid, testing::AllOf(HasSubstr("ogb: "), HasSubstr("wordnet: "))));
  options.format = "edgelist";
  EXPECT_THAT(Import(options, pool),
              StatusIs(kInvalid, HasSubstr("auto, ogb, ogb-binary, wordnet")));
  options.from = empty / "nothing";
  EXPECT_THAT(Import(options, pool), StatusIs(absl::StatusCode::kNotFound, HasSubstr("nothing")));
  EXPECT_FALSE(std::filesystem::exists(options.store));
}

}  // namespace
}  // namespace quadhop
