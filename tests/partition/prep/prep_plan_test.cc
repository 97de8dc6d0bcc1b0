#include "partition/prep/prep_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/files/file.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

PrepShape Papers100M() {
  PrepShape shape;
  shape.nodes = 111059956;
  shape.arcs = 3231371744;
  shape.features = 128;
  shape.parts = 64;
  shape.feature_bytes = 2;
  shape.threads = 2;
  return shape;
}

TEST(PrepPlan, ProjectionsThatMemoryDoesNotHoldGoToDisk) {
  const StepPlan all = PlanPrep(Papers100M(), int64_t{100} << 30)[2];
  EXPECT_EQ(all.step, PrepStep::kEncode);
  EXPECT_EQ(all.scratch_bytes, 0);
  EXPECT_GE(all.memory_bytes, 2 * 111059956 * int64_t{64} * 4);  // two copies of [N, G]
  const int64_t allowed_bytes = int64_t{20} << 30;
  const StepPlan some = PlanPrep(Papers100M(), allowed_bytes)[2];
  EXPECT_EQ(some.memory_bytes, allowed_bytes);
  EXPECT_EQ(some.scratch_bytes, 3 * 111059956 * int64_t{64} * 4);  // three powers
}

TEST(PrepPlan, HopsThatMemoryDoesNotHoldGoToDisk) {
  EXPECT_EQ(PlanPrep(Papers100M(), int64_t{120} << 30)[3].scratch_bytes, 0);
  const StepPlan some = PlanPrep(Papers100M(), int64_t{20} << 30)[3];
  EXPECT_EQ(some.step, PrepStep::kPropagate);
  EXPECT_EQ(some.scratch_bytes, 2 * 111059956 * int64_t{128} * 2);  // two hops in f16
}

TEST(PrepPlan, OfPapers100MFitsInto20GBHoweverManyThreads) {
  PrepShape shape = Papers100M();
  for (const int32_t threads : {2, 64, 128}) {
    shape.threads = threads;
    for (const StepPlan& step : PlanPrep(shape, int64_t{20} << 30))
      EXPECT_LE(step.memory_bytes, int64_t{20} << 30)
          << PrepStepName(step.step) << ", " << threads << " threads";
  }
}

TEST(PrepPlan, CountsTheInversesOfADirectedGraphForMetis) {
  PrepShape shape;
  shape.nodes = 400000;
  shape.arcs = 3000000;
  const auto partition = [&](int64_t megabytes) { return PlanPrep(shape, megabytes << 20)[1]; };
  EXPECT_EQ(partition(300).how, "metis");
  shape.directed = true;
  EXPECT_EQ(partition(300).how, "multilevel");
  EXPECT_EQ(partition(600).how, "metis");
  EXPECT_GE(partition(600).memory_bytes, 2 * 84 * shape.arcs);
  shape.arcs = 1600000000;  // fewer than 2^31, but not with their inverses
  EXPECT_EQ(partition(int64_t{1} << 20).how, "multilevel");
}

// METIS has one thread, and a disk is no faster for many.
TEST(PrepPlan, DividesByThreadsWhatThreadsDo) {
  PrepShape shape = Papers100M();
  shape.arcs = 1000000000;
  shape.partition_method = "metis";
  const auto seconds = [&](int32_t threads, size_t step) {
    shape.threads = threads;
    return PlanPrep(shape, int64_t{200} << 30)[step].seconds;
  };
  EXPECT_EQ(seconds(64, 1), seconds(1, 1));
  const double disk = static_cast<double>(PlanPrep(shape, int64_t{200} << 30)[3].disk_bytes);
  EXPECT_GT(seconds(64, 3), disk * 1e-9);
  EXPECT_LT(seconds(64, 3), seconds(1, 3));
}

TEST(PrepPlan, OfACutByClustersTakesAtMost2MiBAThread) {
  PrepShape shape = Papers100M();
  const auto least_bytes = [&](int32_t threads) {
    shape.threads = threads;
    const StepPlan partition = PlanPrep(shape, int64_t{20} << 30)[1];
    EXPECT_EQ(partition.how, "multilevel");
    return partition.least_bytes;
  };
  EXPECT_LE(least_bytes(128) - least_bytes(2), 126 * (int64_t{2} << 20));
  const std::vector<StepPlan> steps = PlanPrep(shape, int64_t{5} << 30);
  EXPECT_THAT(CheckPlan({steps[1]}, int64_t{5} << 30, "."),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("cut by stream")));
}

TEST(PrepPlan, StepsNeedDiskBesideThoseBeforeThemUnlessTheyTakeThePlaceOfFiles) {
  const TempDir folder;
  const int64_t free_bytes = FreeDiskBytes(folder.path()).value();
  StepPlan import, cut, encode;
  import.step = PrepStep::kImport;
  cut.step = PrepStep::kPartition;
  encode.step = PrepStep::kEncode;
  import.disk_bytes = cut.disk_bytes = free_bytes / 5 * 2;
  encode.disk_bytes = free_bytes / 5 * 2;
  EXPECT_OK(CheckPlan({import, cut, encode}, 0, folder.path()));
  encode.scratch_bytes = free_bytes / 2;
  EXPECT_OK(CheckPlan({encode}, 0, folder.path()));
  EXPECT_THAT(CheckPlan({import, cut, encode}, 0, folder.path()),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       AllOf(HasSubstr("encode needs"), HasSubstr("free then"))));
  ASSERT_OK(WriteFileAtomically(folder / "store.textproto", ""));  // it was imported before
  EXPECT_OK(CheckPlan({import, cut, encode}, 0, folder.path()));
}

TEST(PrepPlan, MarksAStepThatNeedsMoreThanIsAllowed) {
  PrepShape shape = Papers100M();
  shape.encode_method = "laplacian";
  const int64_t allowed_bytes = int64_t{20} << 30;
  const std::vector<StepPlan> steps = PlanPrep(shape, allowed_bytes);
  const std::string text = DescribePlan(steps, allowed_bytes);
  const std::string encode = text.substr(text.find("encode"));
  EXPECT_THAT(encode.substr(0, encode.find('\n')), HasSubstr("laplacian"));
  EXPECT_THAT(encode.substr(0, encode.find('\n')), HasSubstr("needs more"));
  EXPECT_THAT(text.substr(0, text.find("encode")), Not(HasSubstr("needs more")));
  EXPECT_THAT(CheckPlan({steps[2]}, allowed_bytes, "."),
              StatusIs(absl::StatusCode::kResourceExhausted,
                       HasSubstr("encode by laplacian needs at least 130.")));
}

}  // namespace
}  // namespace quadhop
