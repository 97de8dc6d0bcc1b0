#include "core/arrays/tensor.h"

#include <gtest/gtest.h>

#include <utility>

#include "tests/support/counting_resource.h"

namespace quadhop {
namespace {

TEST(Tensor, ThatWasMovedFromIsEmptyAndMayBeUsedAgain) {
  Tensor<float> first({8});
  first[7] = 1;
  Tensor<float> second = std::move(first);
  EXPECT_EQ(second[7], 1);
  EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move)
  first.Resize({4});
  first[3] = 2;
  second = std::move(first);
  EXPECT_EQ(second[3], 2);
}

TEST(Tensor, StandsInTheMemoryOfItsResourceAlsoWhenItMovesAndGrows) {
  CountingResource resource;
  {
    Tensor<float> first(&resource);
    first.Resize({3});
    EXPECT_EQ(resource.num_held(), 1);
    Tensor<float> second = std::move(first);
    second.ResizeWithRoom({100});
    EXPECT_EQ(resource.num_held(), 1);
    first.Resize({5});  // NOLINT(bugprone-use-after-move): what was moved from may be used again
    EXPECT_EQ(resource.num_held(), 1);
  }
  EXPECT_EQ(resource.num_held(), 0);
}

}  // namespace
}  // namespace quadhop
