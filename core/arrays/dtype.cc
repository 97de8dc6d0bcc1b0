#include "core/arrays/dtype.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>

#include <array>
#include <cstring>

#include "core/base/check.h"
#include "core/base/status.h"

namespace quadhop {
namespace {

struct DTypeInfo {
  DType dtype;
  int64_t size_bytes;
  const char* name;
  const char* numpy_descr;
};

// In the order of the enumeration.
constexpr std::array<DTypeInfo, 12> kDTypes = {{
    {DType::kF32, 4, "f32", "<f4"},
    {DType::kF64, 8, "f64", "<f8"},
    {DType::kF16, 2, "f16", "<f2"},
    {DType::kBF16, 2, "bf16", "<u2"},
    {DType::kI64, 8, "i64", "<i8"},
    {DType::kI32, 4, "i32", "<i4"},
    {DType::kI16, 2, "i16", "<i2"},
    {DType::kI8, 1, "i8", "|i1"},
    {DType::kU64, 8, "u64", "<u8"},
    {DType::kU32, 4, "u32", "<u4"},
    {DType::kU16, 2, "u16", "<u2"},
    {DType::kU8, 1, "u8", "|u1"},
}};

const DTypeInfo& Info(DType dtype) {
  const size_t i = static_cast<size_t>(dtype);
  QH_CHECK_LT(i, kDTypes.size());
  return kDTypes[i];
}

// All ones where the condition holds. Selects below are made of masks: compilers turn such loops
// into SIMD code, but not those where they see a branch around float arithmetic. No subnormal
// floats are computed with, so the conversions are right whatever the processor's flush-to-zero
// mode.
uint32_t MaskIf(bool condition) { return 0u - static_cast<uint32_t>(condition); }
uint32_t Select(uint32_t mask, uint32_t a, uint32_t b) { return (a & mask) | (b & ~mask); }

float FloatOfF16(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
  const int32_t magnitude = bits & 0x7fff;
  const uint32_t in_place = static_cast<uint32_t>(magnitude) << 13;
  // The exponent gains 112, or 224 from 31 to 255; NaN becomes quiet, as in hardware.
  const uint32_t special = MaskIf(magnitude >= 0x7c00) & 0x38000000u;
  const uint32_t quiet = MaskIf(magnitude > 0x7c00) & 0x400000u;
  const uint32_t normal = (in_place + 0x38000000u + special) | quiet;
  // A subnormal half counts units of 2^-24, the unit in the last place of floats in [0.5, 1).
  const float subnormal = __builtin_bit_cast(float, 0x3f000000 | magnitude) - 0.5f;
  const uint32_t is_subnormal = MaskIf(magnitude < 0x400);
  return __builtin_bit_cast(
      float, sign | Select(is_subnormal, __builtin_bit_cast(uint32_t, subnormal), normal));
}

uint16_t F16OfFloat(float value) {
  const uint32_t bits = __builtin_bit_cast(uint32_t, value);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  const uint32_t magnitude = bits & 0x7fffffffu;
  const int32_t ordered = static_cast<int32_t>(magnitude);  // compares like the absolute value
  const uint32_t rebased = magnitude - 0x38000000u;         // exponent bias 127 to 15
  const uint32_t normal = (rebased + 0xfffu + ((rebased >> 13) & 1u)) >> 13;
  // Below 2^-14 the addition rounds to a multiple of 2^-24.
  const uint32_t is_small = MaskIf(ordered < 0x38800000);
  const float rounded = __builtin_bit_cast(float, magnitude& is_small) + 0.5f;
  const uint32_t subnormal = __builtin_bit_cast(uint32_t, rounded) - 0x3f000000u;
  // From 65520, halfway beyond the largest half, to infinity; NaN stays one, quiet, with the top of
  // its payload.
  const uint32_t is_large = MaskIf(ordered >= 0x477ff000);
  const uint32_t is_nan = MaskIf(ordered > 0x7f800000);
  const uint32_t special = 0x7c00u | (is_nan & (0x200u | ((magnitude >> 13) & 0x1ffu)));
  return static_cast<uint16_t>(sign |
                               Select(is_large, special, Select(is_small, subnormal, normal)));
}

uint16_t BF16OfFloat(float value) {
  const uint32_t bits = __builtin_bit_cast(uint32_t, value);
  const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  const uint32_t quiet_nan = (bits >> 16) | 0x40u;
  return static_cast<uint16_t>((bits & 0x7fffffffu) > 0x7f800000u ? quiet_nan : rounded);
}

}  // namespace

int64_t SizeOfDType(DType dtype) { return Info(dtype).size_bytes; }
const char* DTypeName(DType dtype) { return Info(dtype).name; }
const char* NumpyDescr(DType dtype) { return Info(dtype).numpy_descr; }

absl::StatusOr<DType> ParseDType(absl::string_view name) {
  std::string allowed;
  for (const DTypeInfo& info : kDTypes) {
    if (absl::AsciiStrToLower(name) == info.name) return info.dtype;
    absl::StrAppend(&allowed, allowed.empty() ? "" : ", ", info.name);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("dtype '", name, "' is not known; allowed: ", allowed));
}

// Loops of this file call the functions behind these: position-independent code does not inline
// what other files can see.
float F16ToFloat(uint16_t bits) { return FloatOfF16(bits); }
uint16_t FloatToF16(float value) { return F16OfFloat(value); }
uint16_t FloatToBF16(float value) { return BF16OfFloat(value); }

void ConvertToFloat(DType dtype, const void* source, int64_t count, float* target) {
  const uint16_t* halves = static_cast<const uint16_t*>(source);
  switch (dtype) {
    case DType::kF32:
      if (count > 0) std::memcpy(target, source, static_cast<size_t>(count) * sizeof(float));
      return;
    case DType::kF16:
      for (int64_t i = 0; i < count; ++i) target[i] = FloatOfF16(halves[i]);
      return;
    case DType::kBF16:
      for (int64_t i = 0; i < count; ++i) target[i] = BF16ToFloat(halves[i]);
      return;
    default:
      internal::CheckFailed(__FILE__, __LINE__,
                            absl::StrCat("no conversion of ", DTypeName(dtype), " to float"));
  }
}

void ConvertFromFloat(DType dtype, const float* source, int64_t count, void* target) {
  uint16_t* halves = static_cast<uint16_t*>(target);
  switch (dtype) {
    case DType::kF32:
      if (count > 0) std::memcpy(target, source, static_cast<size_t>(count) * sizeof(float));
      return;
    case DType::kF16:
      for (int64_t i = 0; i < count; ++i) halves[i] = F16OfFloat(source[i]);
      return;
    case DType::kBF16:
      for (int64_t i = 0; i < count; ++i) halves[i] = BF16OfFloat(source[i]);
      return;
    default:
      internal::CheckFailed(__FILE__, __LINE__,
                            absl::StrCat("no conversion of float to ", DTypeName(dtype)));
  }
}

}  // namespace quadhop
