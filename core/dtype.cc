#include "core/dtype.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>

#include <array>
#include <cstring>

#include "core/check.h"
#include "core/status.h"

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

float F16ToFloat(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
  const uint32_t magnitude = bits & 0x7fffu;
  if (magnitude >= 0x7c00u)  // infinity and NaN, which becomes quiet as in hardware
    return __builtin_bit_cast(
        float, sign | 0x7f800000u | (magnitude > 0x7c00u ? 0x400000u : 0u) | (magnitude << 13));
  // The bits moved in place stand for the value times 2^-112 (the difference of the biases); the
  // product is exact, also for subnormals.
  const float scaled = __builtin_bit_cast(float, magnitude << 13) * 0x1p112f;
  return __builtin_bit_cast(float, sign | __builtin_bit_cast(uint32_t, scaled));
}

uint16_t FloatToF16(float value) {
  const uint32_t bits = __builtin_bit_cast(uint32_t, value);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u)  // NaN stays NaN, quiet, with the top of its payload
    return static_cast<uint16_t>(sign | 0x7e00u | ((magnitude >> 13) & 0x1ffu));
  if (magnitude >= 0x477ff000u)  // 65520, halfway from the largest half to 2^16: to infinity
    return static_cast<uint16_t>(sign | 0x7c00u);
  if (magnitude < 0x38800000u) {
    // Below 2^-14 the result is a multiple of 2^-24, the unit in the last place of floats in [0.5,
    // 1): the addition rounds.
    const float rounded = __builtin_bit_cast(float, magnitude) + 0.5f;
    return static_cast<uint16_t>(sign | (__builtin_bit_cast(uint32_t, rounded) - 0x3f000000u));
  }
  const uint32_t rebased = magnitude - 0x38000000u;  // exponent bias 127 to 15
  return static_cast<uint16_t>(sign | ((rebased + 0xfffu + ((rebased >> 13) & 1u)) >> 13));
}

uint16_t FloatToBF16(float value) {
  const uint32_t bits = __builtin_bit_cast(uint32_t, value);
  const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  const uint32_t quiet_nan = (bits >> 16) | 0x40u;
  return static_cast<uint16_t>((bits & 0x7fffffffu) > 0x7f800000u ? quiet_nan : rounded);
}

void ConvertToFloat(DType dtype, const void* source, int64_t count, float* target) {
  const uint16_t* halves = static_cast<const uint16_t*>(source);
  switch (dtype) {
    case DType::kF32:
      if (count > 0) std::memcpy(target, source, static_cast<size_t>(count) * sizeof(float));
      return;
    case DType::kF16:
      for (int64_t i = 0; i < count; ++i) target[i] = F16ToFloat(halves[i]);
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
      for (int64_t i = 0; i < count; ++i) halves[i] = FloatToF16(source[i]);
      return;
    case DType::kBF16:
      for (int64_t i = 0; i < count; ++i) halves[i] = FloatToBF16(source[i]);
      return;
    default:
      internal::CheckFailed(__FILE__, __LINE__,
                            absl::StrCat("no conversion of float to ", DTypeName(dtype)));
  }
}

}  // namespace quadhop
