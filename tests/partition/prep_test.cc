#include "partition/prep.h"

#include <gtest/gtest.h>

#include <memory>

#include "partition/encode.h"
#include "partition/partition_store.h"
#include "partition/propagate.h"
#include "tests/partition/store_testing.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

class Prep : public testing::Test {
 protected:
  void SetUp() override { Import(2); }
  void Import(int32_t width) {
    ASSERT_OK(WriteImportedStore(
        path_, {RandomGraph(100, 300, false, 1), RandomValues(100 * width, 2), width, false, {}}));
  }
  void MakeAll() {
    ASSERT_OK(PartitionStore(path_, partition_, pool_));
    ASSERT_OK(EncodeStore(path_, encode_, pool_));
    ASSERT_OK(PropagateStore(path_, propagate_, pool_));
  }
  bool IsDone(const char* step, const std::string& options) {
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

TEST_F(Prep, AStepIsDoneWithTheSameOptionsOnly) {
  EXPECT_FALSE(IsDone("partition", partition_.ToString()));
  MakeAll();
  EXPECT_TRUE(IsDone("partition", partition_.ToString()));
  EXPECT_TRUE(IsDone("encode", EncodeText()));
  EXPECT_TRUE(IsDone("propagate", propagate_.ToString()));
  partition_.seed = 1;
  encode_.dim = 5;
  propagate_.hops = 1;
  EXPECT_FALSE(IsDone("partition", partition_.ToString()));
  EXPECT_FALSE(IsDone("encode", EncodeText()));
  EXPECT_FALSE(IsDone("propagate", propagate_.ToString()));
}

TEST_F(Prep, CuttingAnewLeavesEncodingsAndHopFeaturesDone) {
  MakeAll();
  partition_.parts = 5;
  ASSERT_OK(PartitionStore(path_, partition_, pool_));
  EXPECT_TRUE(IsDone("partition", partition_.ToString()));
  EXPECT_TRUE(IsDone("encode", EncodeText()));
  EXPECT_TRUE(IsDone("propagate", propagate_.ToString()));
}

TEST_F(Prep, EncodingAnewUndoesHopFeaturesOfEncodingsAlone) {
  MakeAll();
  encode_.seed = 1;
  ASSERT_OK(EncodeStore(path_, encode_, pool_));
  EXPECT_TRUE(IsDone("propagate", propagate_.ToString()));
}

}  // namespace
}  // namespace quadhop
