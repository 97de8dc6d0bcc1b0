#include "sampler/features/feature_source.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

constexpr int64_t kNodes = 300, kHopsAndSelf = 3, kWidth = 5;

// Multiples of 1/8 below 16 are exact in f16 and bf16.
float ValueAt(int64_t element) { return static_cast<float>((element * 37) % 250 - 125) / 8; }

// Values with a short significand, cut to 16 bits by hand.
uint16_t HalfBits(DType dtype, float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  if (dtype == DType::kBF16) return static_cast<uint16_t>(bits >> 16);
  if (value == 0) return 0;
  const uint32_t exponent = ((bits >> 23) & 0xFF) - 127 + 15;
  return static_cast<uint16_t>((bits >> 31) << 15 | exponent << 10 | ((bits >> 13) & 0x3FF));
}

class FeatureSourceTest : public ::testing::TestWithParam<DType> {};

TEST_P(FeatureSourceTest, GathersRowsInTheOrderAskedFor) {
  const int64_t size = kNodes * kHopsAndSelf * kWidth;
  std::vector<float> floats;
  std::vector<uint16_t> halves;
  for (int64_t i = 0; i < size; ++i) {
    floats.push_back(ValueAt(i));
    halves.push_back(HalfBits(GetParam(), floats.back()));
  }
  const void* data = GetParam() == DType::kF32 ? static_cast<const void*>(floats.data())
                                               : static_cast<const void*>(halves.data());
  const auto source = MakeMappedFeatureSource({GetParam(), data, kNodes, kHopsAndSelf, kWidth});
  std::vector<GlobalId> nodes;
  for (int64_t i = 0; i < 500; ++i) nodes.emplace_back((i * 71) % kNodes);
  for (int num_threads : {1, 3}) {
    ThreadPool pool(num_threads);
    Tensor<float> out({500, kHopsAndSelf, kWidth});
    ASSERT_OK(source->Gather(nodes, out.view(), pool));
    for (int64_t i = 0; i < 500; ++i)
      for (int64_t j = 0; j < kHopsAndSelf * kWidth; ++j)
        ASSERT_EQ(out.row(i)[j],
                  floats[static_cast<size_t>(((i * 71) % kNodes) * kHopsAndSelf * kWidth + j)]);
  }
}

TEST_P(FeatureSourceTest, GathersNoRows) {
  const auto source = MakeMappedFeatureSource({GetParam(), nullptr, 0, kHopsAndSelf, kWidth});
  ThreadPool pool(1);
  Tensor<float> out({0, kHopsAndSelf, kWidth});
  EXPECT_OK(source->Gather({}, out.view(), pool));
}

INSTANTIATE_TEST_SUITE_P(DTypes, FeatureSourceTest,
                         ::testing::Values(DType::kF32, DType::kF16, DType::kBF16),
                         [](const auto& tested) { return DTypeName(tested.param); });

}  // namespace
}  // namespace quadhop
