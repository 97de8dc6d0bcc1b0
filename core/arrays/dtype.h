// Element types of arrays on disk, and conversion to float.
#pragma once

#include <absl/status/statusor.h>
#include <absl/strings/string_view.h>

#include <cstdint>
#include <type_traits>

namespace quadhop {

enum class DType : uint8_t {
  kF32,
  kF64,
  kF16,
  kBF16,
  kI64,
  kI32,
  kI16,
  kI8,
  kU64,
  kU32,
  kU16,
  kU8
};

// The upper half of a float's bits.
struct BFloat16 {
  uint16_t bits;
};

int64_t SizeOfDType(DType dtype);     // bytes
const char* DTypeName(DType dtype);   // "f32", "bf16", "i64", ...
const char* NumpyDescr(DType dtype);  // "<f4"; bf16 is "<u2", since numpy has no bf16
// "f32", "f16", "bf16", ... in any case. kInvalidArgument names what is allowed.
absl::StatusOr<DType> ParseDType(absl::string_view name);

template <typename T>
constexpr DType DTypeOf() {
  if constexpr (std::is_same_v<T, float>) return DType::kF32;
  if constexpr (std::is_same_v<T, double>) return DType::kF64;
  if constexpr (std::is_same_v<T, BFloat16>) return DType::kBF16;
  if constexpr (std::is_same_v<T, int64_t>) return DType::kI64;
  if constexpr (std::is_same_v<T, int32_t>) return DType::kI32;
  if constexpr (std::is_same_v<T, int16_t>) return DType::kI16;
  if constexpr (std::is_same_v<T, int8_t>) return DType::kI8;
  if constexpr (std::is_same_v<T, uint64_t>) return DType::kU64;
  if constexpr (std::is_same_v<T, uint32_t>) return DType::kU32;
  if constexpr (std::is_same_v<T, uint16_t>) return DType::kU16;
  if constexpr (std::is_same_v<T, uint8_t>) return DType::kU8;
}

// IEEE half and bfloat16 (as bit patterns) to float, exactly; and back, rounding to nearest even.
float F16ToFloat(uint16_t bits);
uint16_t FloatToF16(float value);
inline float BF16ToFloat(uint16_t bits) {
  return __builtin_bit_cast(float, static_cast<uint32_t>(bits) << 16);
}
uint16_t FloatToBF16(float value);

// Converts `count` values of dtype kF32, kF16 or kBF16 to float, or back. Thread-safe.
void ConvertToFloat(DType dtype, const void* source, int64_t count, float* target);
void ConvertFromFloat(DType dtype, const float* source, int64_t count, void* target);

}  // namespace quadhop
