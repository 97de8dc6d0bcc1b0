#include "partition/prep/intact_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "core/files/file.h"
#include "core/store/store_writer.h"
#include "partition/cuts/partition_store.h"
#include "partition/encodings/encode.h"
#include "partition/features/propagate.h"
#include "tests/partition/store_testing.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class PreparedStore : public testing::Test {
 protected:
  void SetUp() override { Import(2); }
  void Import(int32_t width) {
    ASSERT_OK(WriteImportedStore(path_, {RandomGraph(100, 300, false, 1),
                                         RandomValues(int64_t{100} * width, 2),
                                         width,
                                         false,
                                         {}}));
  }
  void MakeAll() {
    ASSERT_OK(PartitionStore(path_, partition_, pool_));
    ASSERT_OK(EncodeStore(path_, encode_, pool_));
    ASSERT_OK(PropagateStore(path_, propagate_, pool_));
  }
  bool IsDone(PrepStep step, const std::string& options) {
    const auto store = Store::Open(path_);
    EXPECT_OK(store);
    return StepIsDone(**store, step, options);
  }
  std::string EncodeText() { return *encode_.ToString(); }

  TempDir folder_;
  std::string path_ = folder_ / "s";
  ThreadPool pool_{1};
  PartitionOptions partition_{3, "hash", 0, 0.05};
  EncodeOptions encode_{"fastrp", 4, 0, ""};
  PropagateOptions propagate_;
};

TEST_F(PreparedStore, AStepIsDoneWithTheSameOptionsOnly) {
  EXPECT_FALSE(IsDone(PrepStep::kPartition, partition_.ToString()));
  MakeAll();
  EXPECT_TRUE(IsDone(PrepStep::kPartition, partition_.ToString()));
  EXPECT_TRUE(IsDone(PrepStep::kEncode, EncodeText()));
  EXPECT_TRUE(IsDone(PrepStep::kPropagate, propagate_.ToString()));
  partition_.seed = 1;
  encode_.dim = 5;
  propagate_.hops = 1;
  EXPECT_FALSE(IsDone(PrepStep::kPartition, partition_.ToString()));
  EXPECT_FALSE(IsDone(PrepStep::kEncode, EncodeText()));
  EXPECT_FALSE(IsDone(PrepStep::kPropagate, propagate_.ToString()));
}

TEST_F(PreparedStore, CuttingAnewLeavesEncodingsAndHopFeaturesDone) {
  MakeAll();
  partition_.parts = 5;
  ASSERT_OK(PartitionStore(path_, partition_, pool_));
  EXPECT_TRUE(IsDone(PrepStep::kPartition, partition_.ToString()));
  EXPECT_TRUE(IsDone(PrepStep::kEncode, EncodeText()));
  EXPECT_TRUE(IsDone(PrepStep::kPropagate, propagate_.ToString()));
}

TEST_F(PreparedStore, EncodingAnewUndoesHopFeaturesOfEncodingsAlone) {
  MakeAll();
  encode_.seed = 1;
  ASSERT_OK(EncodeStore(path_, encode_, pool_));
  EXPECT_TRUE(IsDone(PrepStep::kPropagate, propagate_.ToString()));
}

// What is read must be what the step is committed on.
TEST_F(PreparedStore, EveryStepRefusesAStoreAtWorkBeforeItReadsIt) {
  MakeAll();
  ASSERT_OK_AND_ASSIGN(const auto writer, StoreWriter::Begin(path_));
  ASSERT_OK(WriteFileAtomically(path_ + "/indices.npy", "half"));  // what a reader would find
  for (const absl::Status& status :
       {PartitionStore(path_, partition_, pool_).status(),
        EncodeStore(path_, encode_, pool_).status(), PropagateStore(path_, propagate_, pool_)})
    EXPECT_THAT(status,
                StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("another process")));
}

TEST_F(PreparedStore, AStepOnAFolderThatIsNoStoreLeavesIt) {
  EXPECT_THAT(EncodeStore(folder_ / "absent", encode_, pool_),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_FALSE(FileExists(folder_ / "absent"));
}

class PreparedStoreWithoutAFile : public PreparedStore,
                                  public testing::WithParamInterface<const char*> {};

TEST_P(PreparedStoreWithoutAFile, AStepNeedsNotTheFilesThatItMakes) {
  MakeAll();
  const auto intact = [&] { return (*Store::Open(path_))->VerifyAll(pool_); };
  ASSERT_OK(RemoveFileIfPresent(path_ + "/features.npy" + GetParam()));
  EXPECT_OK(PropagateStore(path_, propagate_, pool_));
  EXPECT_OK(intact());
  ASSERT_OK(RemoveFileIfPresent(path_ + "/pos_enc.npy" + GetParam()));
  EXPECT_OK(EncodeStore(path_, encode_, pool_));
  EXPECT_OK(intact());
  // Both: neither command waits for the other.
  ASSERT_OK(RemoveFileIfPresent(path_ + "/features.npy" + GetParam()));
  ASSERT_OK(RemoveFileIfPresent(path_ + "/pos_enc.npy" + GetParam()));
  EXPECT_OK(EncodeStore(path_, encode_, pool_));
  EXPECT_FALSE(IsDone(PrepStep::kPropagate, propagate_.ToString()));
  EXPECT_OK(PropagateStore(path_, propagate_, pool_));
  EXPECT_TRUE(IsDone(PrepStep::kEncode, EncodeText()));
  EXPECT_OK(intact());
}

TEST_P(PreparedStoreWithoutAFile, OpenIntactTakesItOutWithItsStep) {
  MakeAll();
  ASSERT_OK(RemoveFileIfPresent(path_ + "/features.npy" + GetParam()));
  ASSERT_OK_AND_ASSIGN(const IntactStore intact, OpenIntact(path_, pool_));
  EXPECT_THAT(intact.damage, HasSubstr("features.npy"));
  ASSERT_NE(intact.store, nullptr);
  EXPECT_TRUE(StepIsDone(*intact.store, PrepStep::kEncode, EncodeText()));
  EXPECT_FALSE(StepIsDone(*intact.store, PrepStep::kPropagate, propagate_.ToString()));
  ASSERT_OK(RemoveFileIfPresent(path_ + "/indices.npy" + GetParam()));
  ASSERT_OK_AND_ASSIGN(const IntactStore lost, OpenIntact(path_, pool_));
  EXPECT_THAT(lost.damage, HasSubstr("indices.npy"));
  EXPECT_EQ(lost.store, nullptr);
}

INSTANTIATE_TEST_SUITE_P(OrItsSidecar, PreparedStoreWithoutAFile, testing::Values("", ".xxh3"),
                         [](const auto& param) { return *param.param == 0 ? "Data" : "Sidecar"; });

TEST_F(PreparedStore, OpenIntactFindsNothingToGoOnFromWithoutAManifest) {
  MakeAll();
  for (const char* manifest : {"damaged", ""}) {
    ASSERT_OK(WriteFileAtomically(path_ + "/store.textproto", manifest));
    ASSERT_OK_AND_ASSIGN(const IntactStore damaged, OpenIntact(path_, pool_));
    EXPECT_THAT(damaged.damage,
                AllOf(HasSubstr("store.textproto"), HasSubstr("make the store again")));
    EXPECT_EQ(damaged.store, nullptr);
  }
}

}  // namespace
}  // namespace quadhop
