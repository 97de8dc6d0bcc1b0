#include "partition/linear_algebra/standardize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "core/threads/thread_pool.h"

namespace quadhop {
namespace {

using testing::ElementsAre;
using testing::FloatEq;
using testing::Pointwise;

TEST(StandardizedColumns, AreDistancesFromTheMeanInDeviations) {
  std::vector<float> x = {1, 10, 3, 10, 5, 10};  // [3, 2]
  ThreadPool pool(1);
  const TensorView<float> columns(x.data(), {3, 2});
  const ColumnMoments moments = MeasureColumns(TensorView<const float>(x.data(), {3, 2}), pool);
  EXPECT_THAT(moments.mean, ElementsAre(3, 10));
  EXPECT_THAT(moments.deviation, ElementsAre(testing::DoubleEq(std::sqrt(8.0 / 3)), 0));
  StandardizeColumns(columns, moments, pool);
  const auto unit = static_cast<float>(std::sqrt(1.5));
  EXPECT_THAT(x, Pointwise(FloatEq(), std::vector<float>{-unit, 0.0f, 0.0f, 0.0f, unit, 0.0f}));
}

TEST(StandardizedColumns, AreZeroIfTheMomentsAreOfAConstant) {
  std::vector<float> x = {1, -1, 3, 2};  // [2, 2]
  ThreadPool pool(1);
  const ColumnMoments of_another = {{0, 0.25}, {0, 1e-9}};  // the latter by rounding
  StandardizeColumns(TensorView<float>(x.data(), {2, 2}), of_another, pool);
  EXPECT_THAT(x, ElementsAre(0, 0, 0, 0));
}

}  // namespace
}  // namespace quadhop
