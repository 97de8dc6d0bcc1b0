#include "sampler/samples/repeat_merger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory_resource>

namespace quadhop {
namespace {

using testing::ElementsAre;

std::pmr::vector<LocalRow> Rows(std::initializer_list<int32_t> rows) {
  std::pmr::vector<LocalRow> out;
  for (const int32_t row : rows) out.emplace_back(row);
  return out;
}

Batch OfNodes(int64_t num_nodes, std::pmr::vector<LocalRow> sampled) {
  Batch batch;
  batch.nodes.assign(static_cast<size_t>(num_nodes), GlobalId(0));
  batch.sampled = std::move(sampled);
  return batch;
}

TEST(RepeatMerger, KeepsTheFirstOfEachNodesEqualRowsAndCountsThem) {
  Batch batch = OfNodes(3, Rows({0, 1, 0, 0,  //
                                 2, 1, 3, 0,  //
                                 3, 3, 3, 3}));
  RepeatMerger().Merge(4, 4, batch);
  EXPECT_EQ(batch.sampled, Rows({0, 1, 2, 1, 3, 0, 3}));
  EXPECT_THAT(batch.multiplicity, ElementsAre(3, 1, 1, 1, 1, 1, 4));
  EXPECT_THAT(batch.sampled_offsets, ElementsAre(0, 2, 6, 7));
}

TEST(RepeatMerger, ForgetsTheBatchBefore) {
  RepeatMerger merger;
  for (const int32_t row : {0, 1}) {
    Batch batch = OfNodes(1, Rows({row, 1 - row, 1 - row}));
    merger.Merge(3, 2, batch);
    EXPECT_EQ(batch.sampled, Rows({row, 1 - row}));
    EXPECT_THAT(batch.multiplicity, ElementsAre(1, 2));
  }
}

TEST(RepeatMerger, TakesABatchWithoutNodes) {
  Batch batch = OfNodes(0, {});
  RepeatMerger().Merge(5, 0, batch);
  EXPECT_THAT(batch.sampled_offsets, ElementsAre(0));
  EXPECT_TRUE(batch.multiplicity.empty());
}

}  // namespace
}  // namespace quadhop
