#include "model/cpu/lane_sums.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/arrays/tensor.h"
#include "core/threads/thread_pool.h"

namespace quadhop::cpu {
namespace {

constexpr int64_t kFloats = 37;

// Digits of a sum of these depend on its order.
float Value(size_t lane, int64_t i) {
  return static_cast<float>(std::sin(static_cast<double>(lane * 91 + static_cast<size_t>(i))) *
                            std::pow(10.0, static_cast<double>(lane % 7)));
}

void Compute(LaneSums& sums, size_t partition, size_t lane) {
  float* array = sums.Begin(partition, lane);
  for (int64_t i = 0; i < kFloats; ++i) array[i] += Value(lane, i);
}

void ExpectSumsInOrder(const std::vector<size_t>& first_lane, const Tensor<float>& sums) {
  for (size_t p = 0; p + 1 < first_lane.size(); ++p) {
    for (int64_t i = 0; i < kFloats; ++i) {
      float expected = Value(first_lane[p], i);
      for (size_t lane = first_lane[p] + 1; lane < first_lane[p + 1]; ++lane)
        expected += Value(lane, i);
      EXPECT_EQ(sums.row(static_cast<int64_t>(p))[i], expected) << "partition " << p;
    }
  }
}

TEST(LaneSums, AddInTheOrderOfTheLanesWhicheverEndsFirst) {
  const std::vector<size_t> first_lane = {0, 5};
  Tensor<float> sum({1, kFloats});
  LaneMemory memory;
  LaneSums sums(first_lane, sum.view(), memory);
  for (size_t lane = 0; lane < 5; ++lane) Compute(sums, 0, lane);
  for (size_t lane : std::vector<size_t>{3, 4, 1, 0, 2}) sums.End(0, lane);
  ExpectSumsInOrder(first_lane, sum);
}

// One more float than before fits no array that was kept: seen by AddressSanitizer, or by the sums.
TEST(LaneSums, OfALargerModelFitAfterThoseOfASmallerOne) {
  const std::vector<size_t> first_lane = {0, 3};
  LaneMemory memory;
  for (const int64_t n : {int64_t{1}, kFloats}) {
    Tensor<float> sum({1, n});
    LaneSums sums(first_lane, sum.view(), memory);
    std::vector<float*> arrays;
    for (size_t lane = 0; lane < 3; ++lane) arrays.push_back(sums.Begin(0, lane));
    for (float* array : arrays) std::fill_n(array, n, 1.0f);
    for (size_t lane = 0; lane < 3; ++lane) sums.End(0, lane);
    for (int64_t i = 0; i < n; ++i) EXPECT_EQ(sum.row(0)[i], 3.0f);
  }
}

TEST(LaneSums, OfManyThreadsHaveTheDigitsOfOne) {
  const std::vector<size_t> first_lane = {0, 1, 17, 40, 41};
  Tensor<float> sum({4, kFloats});
  LaneMemory memory;
  ThreadPool pool(4);
  for (int repetition = 0; repetition < 50; ++repetition) {
    sum.Fill(-1);  // what an earlier step left
    LaneSums sums(first_lane, sum.view(), memory);
    pool.ParallelFor(41, [&](int64_t item, int) {
      const auto lane = static_cast<size_t>(item);
      size_t partition = 0;
      while (first_lane[partition + 1] <= lane) ++partition;
      Compute(sums, partition, lane);
      sums.End(partition, lane);
    });
    ExpectSumsInOrder(first_lane, sum);
  }
}

TEST(LaneSums, OfOneThreadTakeOneArrayHoweverManyTheLanes) {
  Tensor<float> sum({1, kFloats});
  LaneMemory memory;
  LaneSums sums({0, 9}, sum.view(), memory);
  const float* array = nullptr;
  for (size_t lane = 0; lane < 9; ++lane) {
    const float* const taken = sums.Begin(0, lane);
    if (lane == 0) {
      EXPECT_EQ(taken, sum.data());
    } else {
      if (lane == 1) array = taken;
      EXPECT_EQ(taken, array);
    }
    sums.End(0, lane);
  }
}

}  // namespace
}  // namespace quadhop::cpu
