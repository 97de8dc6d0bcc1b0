#include "model/cpu/dropout_bits.h"

// Compiled once for each instruction set; the calls at the end choose one at run time.
#define HWY_DISABLED_TARGETS HWY_SSE4
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "model/cpu/dropout_bits.cc"
// foreach_target.h must come first.
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "model/cpu/row_vectors-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace quadhop::cpu::HWY_NAMESPACE {

void KeepBitsImpl(uint64_t key, uint32_t threshold, int64_t num_bytes, uint8_t* keep) {
  const hn::ScalableTag<uint32_t> d;
  const hn::RebindToUnsigned<hn::RepartitionToWide<decltype(d)>> d64;
  const hn::Rebind<uint8_t, decltype(d)> d8;
  using V32 = hn::Vec<decltype(d)>;
  const auto multiply = [&](V32 x, V32 factor, V32* high) {  // 32 x 32 -> 64 bits per lane
    const auto even = hn::MulEven(x, factor);
    const auto odd = hn::MulEven(hn::BitCast(d, hn::ShiftRight<32>(hn::BitCast(d64, x))), factor);
    *high = hn::OddEven(hn::BitCast(d, odd), hn::BitCast(d, hn::ShiftRight<32>(even)));
    return hn::OddEven(hn::BitCast(d, hn::ShiftLeft<32>(odd)), hn::BitCast(d, even));
  };
  const V32 m0 = hn::Set(d, 0xD2511F53u), m1 = hn::Set(d, 0xCD9E8D57u);
  const V32 limit = hn::Set(d, threshold), low16 = hn::Set(d, 0xFFFFu), one = hn::Set(d, 1u);
  const size_t lanes = hn::Lanes(d);
  HWY_ALIGN uint8_t buffer[HWY_MAX_BYTES];
  // Counters stay below 2^32: a node's values are at most S * h*H.
  for (size_t block = 0; block < Size(num_bytes); block += lanes) {
    V32 c0 = hn::Iota(d, static_cast<uint32_t>(block)), c1 = hn::Zero(d), c2 = c1, c3 = c1;
    uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
    for (int round = 0; round < 10; ++round) {
      V32 high0, high1;
      const V32 low0 = multiply(c0, m0, &high0), low1 = multiply(c2, m1, &high1);
      c0 = hn::Xor(hn::Xor(high1, c1), hn::Set(d, k0));
      c2 = hn::Xor(hn::Xor(high0, c3), hn::Set(d, k1));
      c1 = low1;
      c3 = low0;
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
    V32 bits = hn::Zero(d);
    const auto set_bit = [&](V32 draw, int position) {
      const auto kept = hn::Not(hn::Lt(draw, limit));
      bits = hn::Or(bits, hn::ShiftLeftSame(hn::IfThenElseZero(kept, one), position));
    };
    const V32 words[4] = {c0, c1, c2, c3};
    for (int w = 0; w < 4; ++w) {
      set_bit(hn::And(words[w], low16), 2 * w);
      set_bit(hn::ShiftRight<16>(words[w]), 2 * w + 1);
    }
    hn::Store(hn::DemoteTo(d8, hn::BitCast(hn::RebindToSigned<decltype(d)>(), bits)), d8, buffer);
    for (size_t i = 0; i < lanes && block + i < Size(num_bytes); ++i) keep[block + i] = buffer[i];
  }
}

}  // namespace quadhop::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace quadhop::cpu {

HWY_EXPORT(KeepBitsImpl);

void KeepBits(uint64_t key, uint32_t threshold, int64_t num_bytes, uint8_t* keep) {
  HWY_DYNAMIC_DISPATCH(KeepBitsImpl)(key, threshold, num_bytes, keep);
}
void NodeKeepBits(const Dropout& dropout, int64_t row, int64_t num_bytes, uint8_t* keep) {
  const uint64_t key =
      StreamKey(dropout.seed, dropout.purpose, static_cast<uint64_t>(*dropout.step),
                static_cast<uint64_t>(dropout.nodes[row].value()));
  KeepBits(key, DropoutThreshold(dropout.probability), num_bytes, keep);
}

}  // namespace quadhop::cpu
#endif  // HWY_ONCE
