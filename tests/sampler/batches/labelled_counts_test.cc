#include "sampler/batches/labelled_counts.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <vector>

#include "core/threads/thread_pool.h"
#include "sampler/batches/loader_inputs.h"

namespace quadhop {
namespace {

// More nodes than one thread counts at a time, a partition of few and one of none.
TEST(LabelledCounts, AreThoseOfEachPartOfEachPartition) {
  const std::vector<int64_t> offsets = {0, 5, 300'000, 300'000, 600'000};
  std::vector<int32_t> labels;
  std::vector<uint8_t> split;
  std::vector<std::array<int64_t, 4>> expected(4);
  size_t partition = 0;
  for (int64_t v = 0; v < offsets.back(); ++v) {
    while (v >= offsets[partition + 1]) ++partition;
    const auto part = static_cast<size_t>(v * v % 11 % 4);
    const bool has_label = v % 7 != 3;
    labels.push_back(has_label ? static_cast<int32_t>(v % 5) : kUnlabelled);
    split.push_back(static_cast<uint8_t>(part));
    if (has_label) ++expected[partition][part];
  }
  LoaderInputs inputs;
  inputs.labels = labels;
  inputs.split = split;
  inputs.partition_offsets = offsets;
  ThreadPool pool(3);
  inputs.CountLabelled(pool);
  EXPECT_EQ(inputs.labelled.of_partition, expected);
  EXPECT_EQ(inputs.labelled.Of(SplitPart::kValid, 1), expected[1][2]);
  EXPECT_EQ(inputs.NumLabelled(SplitPart::kTrain),
            expected[0][1] + expected[1][1] + expected[3][1]);
}

TEST(LabelledCounts, AreNoneWithoutASplit) {
  const std::vector<int64_t> offsets = {0, 5};
  LoaderInputs inputs;
  inputs.partition_offsets = offsets;
  ThreadPool pool(1);
  inputs.CountLabelled(pool);
  EXPECT_EQ(inputs.NumLabelled(SplitPart::kTrain), 0);
}

}  // namespace
}  // namespace quadhop
