#include "core/arrays/dtype.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "core/base/rng.h"
#include "tests/support/status_matchers.h"

namespace quadhop {
namespace {

// A binary format of 16 bits by its definition (IEEE 754, section 3.4), in double.
struct Format {
  int exponent_bits;
  int fraction_bits;

  int bias() const { return (1 << (exponent_bits - 1)) - 1; }
  uint16_t infinity() const {
    return static_cast<uint16_t>(((1 << exponent_bits) - 1) << fraction_bits);
  }
  double Value(uint16_t bits) const {
    const int exponent = (bits & 0x7fff) >> fraction_bits;
    const int fraction = bits & ((1 << fraction_bits) - 1);
    const double sign = (bits & 0x8000) != 0 ? -1.0 : 1.0;
    if (exponent == (1 << exponent_bits) - 1)
      return fraction != 0 ? std::numeric_limits<double>::quiet_NaN()
                           : sign * std::numeric_limits<double>::infinity();
    const int significand = exponent == 0 ? fraction : fraction + (1 << fraction_bits);
    return sign * std::ldexp(significand, std::max(exponent, 1) - bias() - fraction_bits);
  }
  // The nearest value; of two as near, the one with an even last bit. Beyond the largest by half a
  // unit: infinity.
  uint16_t Nearest(double value) const {
    const uint16_t sign = std::signbit(value) ? 0x8000 : 0;
    const double magnitude = std::fabs(value);
    uint16_t low = 0, high = infinity();  // Value(low) <= magnitude < Value(high)
    if (magnitude >= Value(high)) return sign | high;
    while (high - low > 1) {
      const uint16_t middle = static_cast<uint16_t>((low + high) / 2);
      (Value(middle) <= magnitude ? low : high) = middle;
    }
    const double unit = Value(low) - Value(low > 0 ? static_cast<uint16_t>(low - 1) : low);
    const double above = high == infinity() ? Value(low) + unit : Value(high);
    const double to_low = magnitude - Value(low), to_high = above - magnitude;
    const bool take_low = to_low < to_high || (to_low == to_high && low % 2 == 0);
    return static_cast<uint16_t>(sign | (take_low ? low : high));
  }
};
constexpr Format kHalf = {5, 10};
constexpr Format kBFloat = {8, 7};

// Floats around every value of the format and around the middle between each two, both signs, and
// random ones.
std::vector<float> HardFloats(const Format& format) {
  std::vector<float> floats;
  const auto add_around = [&](double value) {
    const float f = static_cast<float>(value);
    for (const float g : {f, std::nextafter(f, -INFINITY), std::nextafter(f, INFINITY)}) {
      floats.push_back(g);
      floats.push_back(-g);
    }
  };
  for (uint16_t bits = 0; bits < format.infinity(); ++bits) {
    const double value = format.Value(bits);
    const double next = bits + 1 < format.infinity()
                            ? format.Value(static_cast<uint16_t>(bits + 1))
                            : 2 * value - format.Value(static_cast<uint16_t>(bits - 1));
    add_around(value);
    if (value + (next - value) / 2 <= std::numeric_limits<float>::max())
      add_around(value + (next - value) / 2);
  }
  RandomStream random(1, RandomPurpose::kTest, 0, 0);
  for (int i = 0; i < 200000; ++i) {
    const float f = std::bit_cast<float>(random.Next32());
    if (!std::isnan(f)) floats.push_back(f);
  }
  return floats;
}

TEST(DType, EveryHalfBecomesItsFloatExactly) {
  for (int bits = 0; bits < 65536; ++bits) {
    const double expected = kHalf.Value(static_cast<uint16_t>(bits));
    const float actual = F16ToFloat(static_cast<uint16_t>(bits));
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(actual)) << bits;
      ASSERT_EQ(std::signbit(actual), bits >= 0x8000);
    } else {
      ASSERT_EQ(actual, expected) << bits;
      ASSERT_EQ(std::signbit(actual), std::signbit(expected)) << bits;
    }
  }
}

TEST(DType, EveryBFloatBecomesItsFloatExactly) {
  for (int bits = 0; bits < 65536; ++bits) {
    const double expected = kBFloat.Value(static_cast<uint16_t>(bits));
    const float actual = BF16ToFloat(static_cast<uint16_t>(bits));
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(actual)) << bits;
    } else {
      ASSERT_EQ(actual, expected) << bits;
    }
  }
}

TEST(DType, FloatsRoundToTheNearestEvenHalf) {
  for (const float f : HardFloats(kHalf))
    ASSERT_EQ(FloatToF16(f), kHalf.Nearest(f)) << std::hexfloat << f;
}

TEST(DType, FloatsRoundToTheNearestEvenBFloat) {
  for (const float f : HardFloats(kBFloat))
    ASSERT_EQ(FloatToBF16(f), kBFloat.Nearest(f)) << std::hexfloat << f;
}

TEST(DType, NanStaysNan) {
  for (const uint32_t bits : {0x7fc00000u, 0xffc00000u, 0x7f800001u, 0xff800001u, 0x7fffffffu}) {
    const float nan = std::bit_cast<float>(bits);
    EXPECT_TRUE(std::isnan(F16ToFloat(FloatToF16(nan)))) << std::hex << bits;
    EXPECT_TRUE(std::isnan(BF16ToFloat(FloatToBF16(nan)))) << std::hex << bits;
  }
}

TEST(DType, ArraysConvertLikeTheirElements) {
  // 37: a length that leaves a rest whatever the width of SIMD.
  std::vector<float> values;
  for (int i = 0; i < 37; ++i)
    values.push_back(static_cast<float>(std::ldexp(1.0 + i / 64.0, i - 18)));
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    std::vector<float> stored(values.size(), -1.0f), back(values.size() + 1, -1.0f);
    ConvertFromFloat(dtype, values.data(), 37, stored.data());
    ConvertToFloat(dtype, stored.data(), 37, back.data());
    for (size_t i = 0; i < values.size(); ++i) {
      const double expected = dtype == DType::kF32   ? values[i]
                              : dtype == DType::kF16 ? kHalf.Value(kHalf.Nearest(values[i]))
                                                     : kBFloat.Value(kBFloat.Nearest(values[i]));
      EXPECT_EQ(back[i], expected) << DTypeName(dtype) << " " << i;
    }
    EXPECT_EQ(back.back(), -1.0f);
  }
}

TEST(DType, NamesAreReadInAnyCaseAndOthersRefusedWithTheList) {
  EXPECT_EQ(ParseDType("bf16").value(), DType::kBF16);
  EXPECT_EQ(ParseDType("F32").value(), DType::kF32);
  EXPECT_THAT(ParseDType("float"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       testing::AllOf(testing::HasSubstr("'float'"),
                                      testing::HasSubstr("f32, f64, f16, bf16"))));
}

TEST(DType, SizesAndNumpyNamesAgree) {
  for (const DType d :
       {DType::kF32, DType::kF64, DType::kF16, DType::kBF16, DType::kI64, DType::kI32, DType::kI16,
        DType::kI8, DType::kU64, DType::kU32, DType::kU16, DType::kU8}) {
    const std::string descr = NumpyDescr(d);
    EXPECT_EQ(descr.back() - '0', SizeOfDType(d)) << descr;
    EXPECT_EQ(ParseDType(DTypeName(d)).value(), d);
  }
}

}  // namespace
}  // namespace quadhop
