// Vectors of a row of floats: loads, stores and masks of its tail. Included once for each
// instruction set, by files that Highway compiles that way (so there is deliberately no include
// guard against that).
#if defined(QUADHOP_MODEL_CPU_ROW_VECTORS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef QUADHOP_MODEL_CPU_ROW_VECTORS_INL_H_
#undef QUADHOP_MODEL_CPU_ROW_VECTORS_INL_H_
#else
#define QUADHOP_MODEL_CPU_ROW_VECTORS_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>

#include "core/arrays/dtype.h"

HWY_BEFORE_NAMESPACE();
namespace quadhop::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

HWY_INLINE size_t Size(int64_t n) { return static_cast<size_t>(n); }

// Calls body(i, count) for i in steps of the vector width. count is that width, or less at the
// tail, for masked loads and stores.
template <typename Body>
HWY_INLINE void ForEachVector(size_t n, const Body& body) {
  const size_t lanes = hn::Lanes(D());
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) body(i, lanes);
  if (i < n) body(i, n - i);
}
HWY_INLINE V Load(const float* p, size_t count) {
  const D d;
  return count == hn::Lanes(d) ? hn::LoadU(d, p) : hn::MaskedLoad(hn::FirstN(d, count), d, p);
}
// Widened, exactly.
HWY_INLINE V Load(const BFloat16* p, size_t count) {
  const D d;
  const hn::RebindToUnsigned<D> d32;
  const hn::Rebind<uint16_t, D> d16;
  const uint16_t* bits = reinterpret_cast<const uint16_t*>(p);
  const auto halves = count == hn::Lanes(d) ? hn::LoadU(d16, bits)
                                            : hn::MaskedLoad(hn::FirstN(d16, count), d16, bits);
  return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(d32, halves)));
}
HWY_INLINE void Store(V v, float* p, size_t count) {
  const D d;
  if (count == hn::Lanes(d)) {
    hn::StoreU(v, d, p);
  } else {
    hn::BlendedStore(v, hn::FirstN(d, count), d, p);
  }
}
// Rounded to nearest, ties to even, as core/arrays/dtype.h does it (a NaN stays one).
HWY_INLINE void Store(V v, BFloat16* p, size_t count) {
  const D d;
  const hn::RebindToUnsigned<D> d32;
  const hn::Rebind<uint16_t, D> d16;
  const auto bits = hn::BitCast(d32, v);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(d32, 1));
  const auto rounded = hn::Add(bits, hn::Add(odd, hn::Set(d32, 0x7FFF)));
  const auto quiet = hn::Or(bits, hn::Set(d32, 0x400000));
  const auto any = hn::IfThenElse(hn::RebindMask(d32, hn::IsNaN(v)), quiet, rounded);
  const auto halves =
      hn::DemoteTo(d16, hn::BitCast(hn::RebindToSigned<D>(), hn::ShiftRight<16>(any)));
  uint16_t* to = reinterpret_cast<uint16_t*>(p);
  if (count == hn::Lanes(d)) {
    hn::StoreU(halves, d16, to);
  } else {
    hn::BlendedStore(halves, hn::FirstN(d16, count), d16, to);
  }
}
// Lanes beyond `count` as zero.
HWY_INLINE V Head(V v, size_t count) {
  const D d;
  return count == hn::Lanes(d) ? v : hn::IfThenElseZero(hn::FirstN(d, count), v);
}
HWY_INLINE float Sum(V v) { return hn::GetLane(hn::SumOfLanes(D(), v)); }

// The keep mask of values [i, i + lanes) of a row. Eight floats take a byte of bits; narrower
// vectors take part of a byte.
HWY_INLINE hn::Mask<D> KeepMask(const uint8_t* keep, size_t i) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  if (lanes >= 8) {
    return hn::LoadMaskBits(d, keep + i / 8);
  }
  const uint8_t bits[8] = {static_cast<uint8_t>(keep[i / 8] >> (i % 8))};
  return hn::LoadMaskBits(d, bits);
}

// The keep bits of a row's tail may end before a whole vector's worth: a tail's are read one by
// one.
HWY_INLINE hn::Mask<D> KeepMaskOf(const uint8_t* keep, size_t i, size_t count) {
  const D d;
  if (count == hn::Lanes(d)) return KeepMask(keep, i);
  uint8_t bits[8] = {};
  for (size_t j = 0; j < count; ++j) {
    const uint8_t bit = (keep[(i + j) / 8] >> ((i + j) % 8)) & 1;
    bits[j / 8] = static_cast<uint8_t>(bits[j / 8] | (bit << (j % 8)));
  }
  return hn::LoadMaskBits(d, bits);
}

}  // namespace quadhop::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // toggle
