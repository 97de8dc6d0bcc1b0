#include "core/store/store_writer.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "core/files/file.h"
#include "core/files/file_lock.h"
#include "core/store/manifest.h"
#include "core/store/store.h"
#include "tests/core/folder.h"
#include "tests/support/graphs.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

Provenance Step(const char* step, const char* options) {
  Provenance p;
  p.set_step(step);
  p.set_options(options);
  return p;
}

class StoreWriterTest : public testing::Test {
 protected:
  absl::Status WriteTexts(std::initializer_list<std::pair<const char*, const char*>> texts,
                          const Provenance& step) {
    QH_ASSIGN_OR_RETURN(const auto writer, StoreWriter::Begin(path_));
    for (const auto& [name, text] : texts) QH_RETURN_IF_ERROR(writer->AddText(name, text));
    return writer->Commit(step, pool_);
  }
  absl::StatusOr<StoreManifest> Manifest() const {
    return ReadManifest(absl::StrCat(path_, "/store.textproto"));
  }

  TempDir dir_;
  const std::string path_ = dir_ / "S.qh";
  ThreadPool pool_{2};
};

TEST_F(StoreWriterTest, WithoutCommitTheStoreIsAsItWas) {
  ASSERT_OK(WriteTexts({{"a.txt", "old"}}, Step("import", "")));
  const Folder before = ReadFolder(path_);
  {
    ASSERT_OK_AND_ASSIGN(const auto writer, StoreWriter::Begin(path_));
    ASSERT_OK(writer->AddText("a.txt", "new"));
    ASSERT_OK(writer->AddArray("b.npy", DType::kF32, {100}).status());
    LeaveOut(writer->manifest(), "a.txt");
    writer->manifest().set_nodes(7);
    EXPECT_TRUE(FileExists(path_ + "/b.npy.tmp"));
  }
  EXPECT_EQ(ReadFolder(path_), before);
}

TEST_F(StoreWriterTest, RemovesWhatIsLeftOfAnInterruptedStepAndNoFileOfOthers) {
  ASSERT_OK(WriteTexts({{"a.txt", "old"}}, Step("import", "")));
  ASSERT_OK(WriteFileAtomically(path_ + "/b.npy.tmp", "half"));
  ASSERT_OK(WriteFileAtomically(path_ + "/notes.tmp", "a user's"));
  ASSERT_OK(StoreWriter::Begin(path_).status());
  EXPECT_FALSE(FileExists(path_ + "/b.npy.tmp"));
  EXPECT_TRUE(FileExists(path_ + "/notes.tmp"));
}

TEST_F(StoreWriterTest, WithoutCommitANewFolderIsGone) {
  {
    ASSERT_OK_AND_ASSIGN(const auto writer, StoreWriter::Begin(path_));
    ASSERT_OK(writer->AddText("a.txt", "new"));
  }
  EXPECT_FALSE(FileExists(path_));
}

TEST_F(StoreWriterTest, ReplacesAddsAndRemovesFilesInOneCommit) {
  ASSERT_OK(
      WriteTexts({{"a.txt", "old"}, {"b.txt", "kept"}, {"c.txt", "gone"}}, Step("import", "")));
  {
    ASSERT_OK_AND_ASSIGN(const auto writer, StoreWriter::Begin(path_));
    ASSERT_OK(writer->AddText("a.txt", "new"));
    ASSERT_OK(writer->AddText("d.txt", "more"));
    LeaveOut(writer->manifest(), "c.txt");
    ASSERT_OK(writer->Commit(Step("partition", ""), pool_));
  }
  Folder files = ReadFolder(path_);
  EXPECT_EQ(files["a.txt"], "new");
  EXPECT_EQ(files["b.txt"], "kept");
  EXPECT_EQ(files["d.txt"], "more");
  EXPECT_EQ(files.size(), 3u * 2 + 1);
  ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(path_));
  EXPECT_OK(store->VerifyAll(pool_));
  EXPECT_FALSE(store->HasFile("c.txt"));
}

TEST_F(StoreWriterTest, AStepOfTheSameNameReplacesItsRecord) {
  ASSERT_OK(WriteTexts({}, Step("import", "from=x")));
  ASSERT_OK(WriteTexts({}, Step("partition", "parts=2")));
  ASSERT_OK(WriteTexts({}, Step("import", "from=y")));
  ASSERT_OK_AND_ASSIGN(const StoreManifest manifest, Manifest());
  ASSERT_EQ(manifest.provenance_size(), 2);
  EXPECT_EQ(manifest.provenance(0).options(), "from=y");
  EXPECT_EQ(manifest.provenance(1).options(), "parts=2");
}

TEST_F(StoreWriterTest, AStoreOfWhichAPartIsMadeAgainIsTheStoreThatItWas) {
  ASSERT_OK(WriteTexts({{"a.npy", "a"}}, Step("import", "")));
  ASSERT_OK(WriteTexts({{"pos_enc.npy", "b"}}, Step("encode", "")));
  ASSERT_OK(WriteTexts({{"features.npy", "c"}}, Step("propagate", "")));
  ASSERT_OK_AND_ASSIGN(const StoreManifest before, Manifest());
  {
    ASSERT_OK_AND_ASSIGN(const auto writer, StoreWriter::Begin(path_));
    LeaveOut(writer->manifest(), "pos_enc.npy");
    ASSERT_OK(writer->AddText("pos_enc.npy", "b"));
    ASSERT_OK(writer->Commit(Step("encode", ""), pool_));
  }
  ASSERT_OK_AND_ASSIGN(const StoreManifest repaired, Manifest());
  EXPECT_EQ(StoreIdentity(repaired), StoreIdentity(before));
  ASSERT_OK(WriteTexts({{"pos_enc.npy", "other"}}, Step("encode", "")));
  ASSERT_OK_AND_ASSIGN(const StoreManifest other, Manifest());
  EXPECT_NE(StoreIdentity(other), StoreIdentity(before));
}

TEST_F(StoreWriterTest, WhereTheInputLayDoesNotTellStoresApart) {
  StoreManifest manifest;
  *manifest.add_provenance() = Step("import", "seed=0");
  const std::string identity = StoreIdentity(manifest);
  manifest.mutable_provenance(0)->set_inputs("e.txt 8 bytes changed 1.5");
  EXPECT_EQ(StoreIdentity(manifest), identity);
  manifest.mutable_provenance(0)->set_options("seed=1");
  EXPECT_NE(StoreIdentity(manifest), identity);
}

TEST_F(StoreWriterTest, AStoreThatIsNotCutIsOnePartition) {
  {
    ASSERT_OK_AND_ASSIGN(const auto writer, StoreWriter::Begin(path_));
    writer->manifest().set_nodes(9);
    ASSERT_OK(writer->Commit(Step("import", ""), pool_));
  }
  ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(path_));
  EXPECT_EQ(store->num_partitions(), 1);
  EXPECT_EQ(store->PartitionNodes(PartitionId(0)).end, 9);
}

TEST_F(StoreWriterTest, AManifestOutOfRangeIsRefusedBeforeAnythingChanges) {
  ASSERT_OK(WriteTexts({{"a.txt", "old"}}, Step("import", "")));
  const Folder before = ReadFolder(path_);
  {
    ASSERT_OK_AND_ASSIGN(const auto writer, StoreWriter::Begin(path_));
    ASSERT_OK(writer->AddText("a.txt", "new"));
    writer->manifest().set_nodes(9);  // the offsets still end at 0
    EXPECT_THAT(writer->Commit(Step("import", ""), pool_),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("partition_offsets")));
  }
  EXPECT_EQ(ReadFolder(path_), before);
}

TEST_F(StoreWriterTest, BadNamesAndRepeatedNamesAreRefused) {
  ASSERT_OK_AND_ASSIGN(const auto writer, StoreWriter::Begin(path_));
  EXPECT_THAT(writer->AddText("../a.txt", ""),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("../a.txt")));
  EXPECT_THAT(writer->AddArray("store.textproto", DType::kF32, {1}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  ASSERT_OK(writer->AddText("a.txt", "x"));
  EXPECT_THAT(writer->AddText("a.txt", "y"),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("a.txt")));
  EXPECT_THAT(writer->AddArray("b.npy", DType::kF32, {int64_t{1} << 40, int64_t{1} << 40}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("2^63")));
}

TEST_F(StoreWriterTest, ASecondWriterIsRefusedUntilTheFirstIsDone) {
  {
    ASSERT_OK_AND_ASSIGN(const auto writer, StoreWriter::Begin(path_));
    EXPECT_THAT(StoreWriter::Begin(path_),
                StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("another process")));
  }
  EXPECT_OK(StoreWriter::Begin(path_));
}

TEST_F(StoreWriterTest, AStoreThatAJobReadsIsLeftAlone) {
  ASSERT_OK(WriteTexts({{"a.txt", "old"}}, Step("import", "")));
  ASSERT_OK_AND_ASSIGN(const FileLock reader, FileLock::OfFolderToRead(path_));
  EXPECT_THAT(StoreWriter::Begin(path_),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("a job is reading it")));
}

TEST_F(StoreWriterTest, ADamagedManifestIsNotWrittenOver) {
  ASSERT_OK(WriteTexts({{"a.txt", "old"}}, Step("import", "")));
  ASSERT_OK(WriteFileAtomically(path_ + "/store.textproto", "damaged"));
  EXPECT_THAT(StoreWriter::Begin(path_), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_EQ(ReadFile(path_ + "/a.txt").value(), "old");
}

TEST_F(StoreWriterTest, AnInterruptedStepIsNamedByOpen) {
  ASSERT_OK(WriteTexts({{"a.txt", "old"}}, Step("import", "from=x")));
  StoreManifest next = Manifest().value();
  *next.add_provenance() = Step("partition", "parts=8");
  ASSERT_OK(WriteFileAtomically(path_ + "/store.textproto.next", ManifestToText(next)));
  EXPECT_THAT(Store::Open(path_), StatusIs(absl::StatusCode::kFailedPrecondition,
                                           AllOf(HasSubstr("interrupted"),
                                                 HasSubstr("quadhop partition --store " + path_),
                                                 HasSubstr("parts=8"))));
}

// `quadhop import` would need to be told again where the graph is.
TEST_F(StoreWriterTest, AnInterruptedImportIsLeftToPrep) {
  ASSERT_OK(WriteTexts({{"a.txt", "old"}}, Step("import", "from=x")));
  StoreManifest next = Manifest().value();
  next.mutable_provenance(0)->set_options("from=y");
  ASSERT_OK(WriteFileAtomically(path_ + "/store.textproto.next", ManifestToText(next)));
  EXPECT_THAT(Store::Open(path_), StatusIs(absl::StatusCode::kFailedPrecondition,
                                           AllOf(HasSubstr("`quadhop prep` finishes it"),
                                                 Not(HasSubstr("quadhop import")))));
}

// Does not happen by a crash, but by losing files: the step that is half there is taken back if
// nothing was lost.
TEST_F(StoreWriterTest, AStepThatCannotBeFinishedIsTakenBackIfTheStoreIsWhole) {
  ASSERT_OK(WriteTexts({{"a.txt", "old"}}, Step("import", "")));
  const Folder before = ReadFolder(path_);
  StoreManifest next = Manifest().value();
  StoreFile* lost = next.add_files();
  lost->set_name("lost.txt");
  lost->set_sidecar_xxh3("0123456789abcdef");
  ASSERT_OK(WriteFileAtomically(path_ + "/store.textproto.next", ManifestToText(next)));
  ASSERT_OK(StoreWriter::Begin(path_));
  EXPECT_EQ(ReadFolder(path_), before);
}

TEST_F(StoreWriterTest, AStepThatCanBeNeitherFinishedNorTakenBackIsSaidToBe) {
  ASSERT_OK(WriteTexts({{"a.txt", "old"}}, Step("import", "")));
  StoreManifest next = Manifest().value();
  next.mutable_files(0)->set_bytes(100);
  ASSERT_OK(WriteFileAtomically(path_ + "/store.textproto.next", ManifestToText(next)));
  ASSERT_OK(RemoveFileIfPresent(path_ + "/a.txt"));
  EXPECT_THAT(StoreWriter::Begin(path_),
              StatusIs(absl::StatusCode::kDataLoss, AllOf(HasSubstr(path_), HasSubstr("a.txt"))));
}

TEST_F(StoreWriterTest, AnewAStoreIsReplacedWhateverItsState) {
  ASSERT_OK(WriteTexts({{"a.txt", "old"}, {"b.txt", "old"}}, Step("import", "")));
  const auto replace = [&]() -> absl::Status {
    QH_ASSIGN_OR_RETURN(const auto writer, StoreWriter::BeginAnew(path_));
    EXPECT_EQ(writer->manifest().files_size(), 0);
    QH_RETURN_IF_ERROR(writer->AddText("a.txt", "new"));
    return writer->Commit(Step("import", ""), pool_);
  };
  ASSERT_OK(replace());
  EXPECT_FALSE(FileExists(path_ + "/b.txt"));
  ASSERT_OK(WriteFileAtomically(path_ + "/store.textproto", "damaged"));
  ASSERT_OK(replace());
  ASSERT_OK(WriteFileAtomically(path_ + "/store.textproto.next", "damaged"));
  ASSERT_OK(RemoveFileIfPresent(path_ + "/a.txt.xxh3"));
  ASSERT_OK(replace());
  ASSERT_OK(RemoveFileIfPresent(path_ + "/store.textproto"));
  ASSERT_OK(replace());
  EXPECT_OK(Store::Open(path_));
  EXPECT_EQ(ReadFile(path_ + "/a.txt").value(), "new");
}

TEST_F(StoreWriterTest, AnewAFolderOfOtherFilesIsRefusedAndLeftAsItIs) {
  ASSERT_OK(MakeDirectories(path_));
  ASSERT_OK(WriteFileAtomically(path_ + "/features.npy", "a user's"));
  ASSERT_OK(WriteFileAtomically(path_ + "/notes.tmp", "a user's"));
  const Folder before = ReadFolder(path_);
  EXPECT_THAT(StoreWriter::BeginAnew(path_),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("is not a store")));
  EXPECT_EQ(ReadFolder(path_), before);
}

TEST_F(StoreWriterTest, AnewWhatAnInterruptedFirstStepLeftIsTakenUp) {
  ASSERT_OK(MakeDirectories(path_));
  for (const char* name : {"/indptr.npy.tmp", "/indptr.npy.xxh3.tmp", "/original_names.txt.tmp",
                           "/store.textproto.next.tmp"})
    ASSERT_OK(WriteFileAtomically(path_ + name, "half"));
  EXPECT_OK(StoreWriter::BeginAnew(path_));
  EXPECT_TRUE(ReadFolder(path_).empty());
}

}  // namespace
}  // namespace quadhop
