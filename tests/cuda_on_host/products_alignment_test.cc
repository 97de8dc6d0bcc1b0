// What cuBLASLt is told of where matrices stand, on which its choice of a kernel depends.
#include <gtest/gtest.h>

#include "model/cuda/products_cuda.h"

namespace quadhop::cuda {
namespace {

TEST(AlignmentOf, IsTheLargestPowerOfTwoThatAllRowsShare) {
  EXPECT_EQ(AlignmentOf(256, 64), 16u);
  EXPECT_EQ(AlignmentOf(256, 40), 8u);
  EXPECT_EQ(AlignmentOf(260, 64), 4u);
  EXPECT_EQ(AlignmentOf(258, 64), 2u);
}

// A partition is another of its rank's where ranks are more or fewer.
TEST(AlignmentOf, OfGradientsIsTheSameForAllPartitions) {
  constexpr uintptr_t kFirst = 1024;
  for (const int64_t floats : {12, 13, 14, 15, 16})
    for (uintptr_t partition = 0; partition < 8; ++partition)
      EXPECT_EQ(
          AlignmentOf(kFirst + partition * static_cast<uintptr_t>(floats) * 4, 64, floats * 4),
          AlignmentOf(kFirst, 64, floats * 4))
          << floats << " floats, partition " << partition;
}

}  // namespace
}  // namespace quadhop::cuda
