#include "core/tensor.h"

#include <gtest/gtest.h>

#include <utility>

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

}  // namespace
}  // namespace quadhop
