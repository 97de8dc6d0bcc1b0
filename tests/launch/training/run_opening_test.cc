#include "launch/training/run_opening.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/store/manifest.h"
#include "core/store/store_writer.h"
#include "tests/launch/quadhop_command.h"
#include "tests/support/graphs.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace quadhop {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TEST(DiskAdvice, SaysWhatCheckpointsTakeWhereThereIsNoRoomForThem) {
  constexpr int64_t kGiga = 1000000000;
  EXPECT_EQ(DiskAdvice(2 * kGiga, 5, 10 * kGiga), "");
  EXPECT_THAT(DiskAdvice(2 * kGiga, 5, 10 * kGiga - 1),
              AllOf(HasSubstr("5 checkpoints of 2.00 GB take 10.00 GB"), HasSubstr("make room"),
                    HasSubstr("checkpoint.keep")));
}

TEST(IntroduceRun, NamesTheLabelsThatNoTrainingNodeHas) {
  const TempDir folder;
  const std::string store = folder / "s.qh";
  ASSERT_OK(WriteTinyStore(store, {.graph_nodes = 200, .partitions = 2, .multi_label = true}));
  const auto train = [&](const std::string& run) {
    return TrainTiny(store, folder / run, /*epochs=*/1, {"--set", "train.loss=BINARY"}).out;
  };
  EXPECT_THAT(train("all"), Not(HasSubstr("no training node of split")));
  {
    ASSERT_OK_AND_ASSIGN(const auto writer, StoreWriter::Begin(store));
    const auto num_labels = static_cast<int64_t>(writer->manifest().classes());
    ASSERT_OK_AND_ASSIGN(const auto labels,
                         writer->AddArray("labels.npy", DType::kU8, {200, num_labels}));
    for (size_t i = 0; i < labels.size(); ++i)
      labels[i] = i % static_cast<size_t>(num_labels) == 1 ? 0 : i % 2;
    ThreadPool pool(1);
    const Provenance import = *FindStep(writer->manifest(), "import");
    ASSERT_OK(writer->Commit(import, pool));
  }
  EXPECT_THAT(train("some"), AllOf(HasSubstr("no training node of split"),
                                   HasSubstr(" has 1 of 3 labels (1): the model cannot learn")));
}

}  // namespace
}  // namespace quadhop
