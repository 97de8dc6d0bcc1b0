#include "model/cpu/row_ops.h"

#include <cmath>

// Compiled once for each instruction set; the calls at the end choose one at run time.
#define HWY_DISABLED_TARGETS HWY_SSE4
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "model/cpu/row_ops.cc"
// foreach_target.h must come first.
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace quadhop::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
constexpr float kNormEpsilon = 1e-5f;

size_t Size(int64_t n) { return static_cast<size_t>(n); }

// body(i, load, store) for i in steps of the vector width; the tail goes through masked loads and
// stores.
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
HWY_INLINE void Store(V v, float* p, size_t count) {
  const D d;
  if (count == hn::Lanes(d)) {
    hn::StoreU(v, d, p);
  } else {
    hn::BlendedStore(v, hn::FirstN(d, count), d, p);
  }
}
// Lanes beyond `count` as zero.
HWY_INLINE V Head(V v, size_t count) {
  const D d;
  return count == hn::Lanes(d) ? v : hn::IfThenElseZero(hn::FirstN(d, count), v);
}
HWY_INLINE float Sum(V v) { return hn::GetLane(hn::SumOfLanes(D(), v)); }

// The keep mask of values [i, i + lanes) of a row. Eight floats are a byte of bits; narrower
// vectors take a part of one.
HWY_INLINE hn::Mask<D> KeepMask(const uint8_t* keep, size_t i) {
  const D d;
  const size_t lanes = hn::Lanes(d);
  if (lanes >= 8) {
    return hn::LoadMaskBits(d, keep + i / 8);
  }
  const uint8_t bits[8] = {static_cast<uint8_t>(keep[i / 8] >> (i % 8))};
  return hn::LoadMaskBits(d, bits);
}

// The keep bits of a row's tail may end before a whole vector's worth: those are read byte by byte.
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

void KeepBitsImpl(uint64_t key, uint32_t threshold, int64_t num_bytes, uint8_t* keep) {
  const hn::ScalableTag<uint32_t> d;
  const hn::RebindToUnsigned<hn::RepartitionToWide<decltype(d)>> d64;
  const hn::Rebind<uint8_t, decltype(d)> d8;
  using V32 = hn::Vec<decltype(d)>;
  const auto multiply = [&](V32 x, V32 factor, V32* high) {  // 32 x 32 -> 64 bits, a lane
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

void AddImpl(const float* y, int64_t n, float* x) {
  ForEachVector(Size(n), [&](size_t i, size_t c) {
    Store(hn::Add(Load(x + i, c), Load(y + i, c)), x + i, c);
  });
}

void AddScaledImpl(float factor, const float* y, int64_t n, float* x) {
  const V f = hn::Set(D(), factor);
  ForEachVector(Size(n), [&](size_t i, size_t c) {
    Store(hn::MulAdd(f, Load(y + i, c), Load(x + i, c)), x + i, c);
  });
}

float DotImpl(const float* a, const float* b, int64_t n) {
  V sum = hn::Zero(D());
  ForEachVector(Size(n),
                [&](size_t i, size_t c) { sum = hn::MulAdd(Load(a + i, c), Load(b + i, c), sum); });
  return Sum(sum);
}

void BiasReluDropoutImpl(const float* bias, const uint8_t* keep, float scale, int64_t n, float* x) {
  const D d;
  const V zero = hn::Zero(d), factor = hn::Set(d, scale);
  ForEachVector(Size(n), [&](size_t i, size_t c) {
    V v = hn::Max(hn::Add(Load(x + i, c), Load(bias + i, c)), zero);
    if (keep != nullptr) v = hn::IfThenElseZero(KeepMaskOf(keep, i, c), hn::Mul(v, factor));
    Store(v, x + i, c);
  });
}

void ReluDropoutBackwardImpl(const float* active, float scale, int64_t n, float* g) {
  const D d;
  const V zero = hn::Zero(d), factor = hn::Set(d, scale);
  ForEachVector(Size(n), [&](size_t i, size_t c) {
    const auto alive = hn::Gt(Load(active + i, c), zero);
    Store(hn::IfThenElseZero(alive, hn::Mul(Load(g + i, c), factor)), g + i, c);
  });
}

// Mean and inverse standard deviation in two passes over a row that is in cache.
RowStatistics StatisticsOf(const float* x, size_t n) {
  const D d;
  V sum = hn::Zero(d);
  ForEachVector(n, [&](size_t i, size_t c) { sum = hn::Add(sum, Load(x + i, c)); });
  const float mean = Sum(sum) / static_cast<float>(n);
  const V m = hn::Set(d, mean);
  V squares = hn::Zero(d);
  ForEachVector(n, [&](size_t i, size_t c) {
    const V deviation = Head(hn::Sub(Load(x + i, c), m), c);
    squares = hn::MulAdd(deviation, deviation, squares);
  });
  return {mean, 1.0f / std::sqrt(Sum(squares) / static_cast<float>(n) + kNormEpsilon)};
}

void ApplyLayerNormImpl(const float* x, RowStatistics s, const float* scale, const float* shift,
                        int64_t n, float* z) {
  const D d;
  const V mean = hn::Set(d, s.mean), inv_std = hn::Set(d, s.inv_std);
  ForEachVector(Size(n), [&](size_t i, size_t c) {
    const V x_hat = hn::Mul(hn::Sub(Load(x + i, c), mean), inv_std);
    Store(hn::MulAdd(x_hat, Load(scale + i, c), Load(shift + i, c)), z + i, c);
  });
}

RowStatistics BiasLayerNormImpl(const float* bias, const float* scale, const float* shift,
                                int64_t n, float* x, float* z) {
  AddImpl(bias, n, x);
  const RowStatistics statistics = StatisticsOf(x, Size(n));
  ApplyLayerNormImpl(x, statistics, scale, shift, n, z);
  return statistics;
}

void LayerNormBackwardImpl(const float* x, RowStatistics s, const float* scale, const float* d_z,
                           int64_t n, float* d_x, float* d_scale, float* d_shift) {
  const D d;
  const V mean = hn::Set(d, s.mean), inv_std = hn::Set(d, s.inv_std);
  V sum = hn::Zero(d), sum_hat = hn::Zero(d);
  ForEachVector(Size(n), [&](size_t i, size_t c) {
    const V g = Load(d_z + i, c);
    const V x_hat = hn::Mul(hn::Sub(Load(x + i, c), mean), inv_std);
    Store(hn::MulAdd(g, x_hat, Load(d_scale + i, c)), d_scale + i, c);
    Store(hn::Add(g, Load(d_shift + i, c)), d_shift + i, c);
    const V d_hat = hn::Mul(g, Load(scale + i, c));
    sum = hn::Add(sum, d_hat);
    sum_hat = hn::MulAdd(d_hat, x_hat, sum_hat);
  });
  const V mean_d = hn::Set(d, Sum(sum) / static_cast<float>(n));
  const V mean_d_hat = hn::Set(d, Sum(sum_hat) / static_cast<float>(n));
  ForEachVector(Size(n), [&](size_t i, size_t c) {
    const V x_hat = hn::Mul(hn::Sub(Load(x + i, c), mean), inv_std);
    const V centred = hn::Sub(hn::Mul(Load(d_z + i, c), Load(scale + i, c)), mean_d);
    Store(hn::Mul(inv_std, hn::NegMulAdd(x_hat, mean_d_hat, centred)), d_x + i, c);
  });
}

void SoftmaxImpl(int64_t n, float* x) {
  const D d;
  const V low = hn::Set(d, -INFINITY);
  V top = low;
  ForEachVector(Size(n), [&](size_t i, size_t c) {
    const V v = Load(x + i, c);
    top = hn::Max(top, c == hn::Lanes(d) ? v : hn::IfThenElse(hn::FirstN(d, c), v, low));
  });
  const V max = hn::MaxOfLanes(d, top);
  V sum = hn::Zero(d);
  ForEachVector(Size(n), [&](size_t i, size_t c) {
    const V e = Head(hn::Exp(d, hn::Max(hn::Sub(Load(x + i, c), max), hn::Set(d, -104.0f))), c);
    // Below -87 the true value is at most 1e-38: zero, so that an empty centroid (-inf) gets
    // nothing at all.
    const V kept = hn::IfThenElseZero(hn::Gt(hn::Sub(Load(x + i, c), max), hn::Set(d, -87.0f)), e);
    sum = hn::Add(sum, kept);
    Store(kept, x + i, c);
  });
  const V inverse = hn::Set(d, 1.0f / Sum(sum));
  ForEachVector(Size(n),
                [&](size_t i, size_t c) { Store(hn::Mul(Load(x + i, c), inverse), x + i, c); });
}

void SoftmaxBackwardImpl(const float* p, int64_t n, float* g) {
  const V mean = hn::Set(D(), DotImpl(p, g, n));
  ForEachVector(Size(n), [&](size_t i, size_t c) {
    Store(hn::Mul(Load(p + i, c), hn::Sub(Load(g + i, c), mean)), g + i, c);
  });
}

float ResidualNormImpl(const ResidualRow& row, int64_t n, float* x_hat) {
  const D d;
  const V attention_scale = hn::Set(d, row.attention_scale);
  const V residual_scale = hn::Set(d, row.residual_scale);
  ForEachVector(Size(n), [&](size_t i, size_t c) {
    V v = hn::Add(Load(row.attended + i, c), Load(row.attended_bias + i, c));
    if (row.attention_keep != nullptr)
      v = hn::IfThenElseZero(KeepMaskOf(row.attention_keep, i, c), hn::Mul(v, attention_scale));
    v = hn::Add(v, hn::Add(Load(row.residual + i, c), Load(row.residual_bias + i, c)));
    if (row.residual_keep != nullptr)
      v = hn::IfThenElseZero(KeepMaskOf(row.residual_keep, i, c), hn::Mul(v, residual_scale));
    Store(v, x_hat + i, c);
  });
  const RowStatistics s = StatisticsOf(x_hat, Size(n));
  const V mean = hn::Set(d, s.mean), inv_std = hn::Set(d, s.inv_std);
  ForEachVector(Size(n), [&](size_t i, size_t c) {
    Store(hn::Mul(hn::Sub(Load(x_hat + i, c), mean), inv_std), x_hat + i, c);
  });
  return s.inv_std;
}

void ResidualNormBackwardImpl(const ResidualRowBackward& row, int64_t n, float* d_residual,
                              float* d_attended) {
  const D d;
  const V a = hn::Set(d, row.from_readout), b = hn::Set(d, row.from_score);
  const V inv_std = hn::Set(d, row.inv_std);
  const V attention_scale = hn::Set(d, row.attention_scale);
  const V residual_scale = hn::Set(d, row.residual_scale);
  const auto d_hat = [&](size_t i, size_t c) {
    return hn::MulAdd(b, Load(row.gw + i, c), hn::Mul(a, Load(row.g + i, c)));
  };
  V sum = hn::Zero(d), sum_hat = hn::Zero(d);
  ForEachVector(Size(n), [&](size_t i, size_t c) {
    const V g = d_hat(i, c);
    sum = hn::Add(sum, g);
    sum_hat = hn::MulAdd(g, Load(row.x_hat + i, c), sum_hat);
  });
  const V mean_d = hn::Set(d, Sum(sum) / static_cast<float>(n));
  const V mean_d_hat = hn::Set(d, Sum(sum_hat) / static_cast<float>(n));
  ForEachVector(Size(n), [&](size_t i, size_t c) {
    const V centred = hn::Sub(d_hat(i, c), mean_d);
    V v = hn::Mul(inv_std, hn::NegMulAdd(Load(row.x_hat + i, c), mean_d_hat, centred));
    if (row.residual_keep != nullptr)
      v = hn::IfThenElseZero(KeepMaskOf(row.residual_keep, i, c), hn::Mul(v, residual_scale));
    Store(v, d_residual + i, c);
    if (row.attention_keep != nullptr)
      v = hn::IfThenElseZero(KeepMaskOf(row.attention_keep, i, c), hn::Mul(v, attention_scale));
    Store(v, d_attended + i, c);
  });
}

void AdamStepImpl(const AdamConstants& k, const float* gradient, int64_t n, float* first_moment,
                  float* second_moment, float* value) {
  const D d;
  const V beta1 = hn::Set(d, k.beta1), beta2 = hn::Set(d, k.beta2);
  const V rest1 = hn::Set(d, 1.0f - k.beta1), rest2 = hn::Set(d, 1.0f - k.beta2);
  const V gradient_scale = hn::Set(d, k.gradient_scale), epsilon = hn::Set(d, k.epsilon);
  const V step_size = hn::Set(d, k.step_size), correction = hn::Set(d, k.inv_sqrt_correction);
  const V keep = hn::Set(d, 1.0f - k.decay);
  ForEachVector(Size(n), [&](size_t i, size_t c) {
    const V g = hn::Mul(Load(gradient + i, c), gradient_scale);
    const V m = hn::MulAdd(rest1, g, hn::Mul(beta1, Load(first_moment + i, c)));
    const V v = hn::MulAdd(hn::Mul(rest2, g), g, hn::Mul(beta2, Load(second_moment + i, c)));
    Store(m, first_moment + i, c);
    Store(v, second_moment + i, c);
    const V denominator = hn::MulAdd(hn::Sqrt(v), correction, epsilon);
    const V decayed = hn::Mul(Load(value + i, c), keep);
    Store(hn::Sub(decayed, hn::Mul(step_size, hn::Div(m, denominator))), value + i, c);
  });
}

}  // namespace quadhop::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace quadhop::cpu {

HWY_EXPORT(KeepBitsImpl);
HWY_EXPORT(AddImpl);
HWY_EXPORT(AddScaledImpl);
HWY_EXPORT(DotImpl);
HWY_EXPORT(BiasReluDropoutImpl);
HWY_EXPORT(ReluDropoutBackwardImpl);
HWY_EXPORT(BiasLayerNormImpl);
HWY_EXPORT(ApplyLayerNormImpl);
HWY_EXPORT(LayerNormBackwardImpl);
HWY_EXPORT(SoftmaxImpl);
HWY_EXPORT(SoftmaxBackwardImpl);
HWY_EXPORT(ResidualNormImpl);
HWY_EXPORT(ResidualNormBackwardImpl);
HWY_EXPORT(AdamStepImpl);

uint32_t DropoutThreshold(double probability) {
  return static_cast<uint32_t>(std::lround(probability * 65536.0));
}
float DropoutScale(double probability) {
  return static_cast<float>(1.0 / (1.0 - DropoutThreshold(probability) / 65536.0));
}
void KeepBits(uint64_t key, uint32_t threshold, int64_t num_bytes, uint8_t* keep) {
  HWY_DYNAMIC_DISPATCH(KeepBitsImpl)(key, threshold, num_bytes, keep);
}
void Add(const float* y, int64_t n, float* x) { HWY_DYNAMIC_DISPATCH(AddImpl)(y, n, x); }
void AddScaled(float factor, const float* y, int64_t n, float* x) {
  HWY_DYNAMIC_DISPATCH(AddScaledImpl)(factor, y, n, x);
}
float Dot(const float* a, const float* b, int64_t n) {
  return HWY_DYNAMIC_DISPATCH(DotImpl)(a, b, n);
}
void BiasReluDropout(const float* bias, const uint8_t* keep, float scale, int64_t n, float* x) {
  HWY_DYNAMIC_DISPATCH(BiasReluDropoutImpl)(bias, keep, scale, n, x);
}
void ReluDropoutBackward(const float* active, float scale, int64_t n, float* d) {
  HWY_DYNAMIC_DISPATCH(ReluDropoutBackwardImpl)(active, scale, n, d);
}
RowStatistics BiasLayerNorm(const float* bias, const float* scale, const float* shift, int64_t n,
                            float* x, float* z) {
  return HWY_DYNAMIC_DISPATCH(BiasLayerNormImpl)(bias, scale, shift, n, x, z);
}
void ApplyLayerNorm(const float* x, RowStatistics statistics, const float* scale,
                    const float* shift, int64_t n, float* z) {
  HWY_DYNAMIC_DISPATCH(ApplyLayerNormImpl)(x, statistics, scale, shift, n, z);
}
void LayerNormBackward(const float* x, RowStatistics statistics, const float* scale,
                       const float* d_z, int64_t n, float* d_x, float* d_scale, float* d_shift) {
  HWY_DYNAMIC_DISPATCH(LayerNormBackwardImpl)
  (x, statistics, scale, d_z, n, d_x, d_scale, d_shift);
}
void Softmax(int64_t n, float* x) { HWY_DYNAMIC_DISPATCH(SoftmaxImpl)(n, x); }
void SoftmaxBackward(const float* p, int64_t n, float* d) {
  HWY_DYNAMIC_DISPATCH(SoftmaxBackwardImpl)(p, n, d);
}
float ResidualNorm(const ResidualRow& row, int64_t n, float* x_hat) {
  return HWY_DYNAMIC_DISPATCH(ResidualNormImpl)(row, n, x_hat);
}
void ResidualNormBackward(const ResidualRowBackward& row, int64_t n, float* d_residual,
                          float* d_attended) {
  HWY_DYNAMIC_DISPATCH(ResidualNormBackwardImpl)(row, n, d_residual, d_attended);
}
void AdamStep(const AdamConstants& constants, const float* gradient, int64_t n, float* first_moment,
              float* second_moment, float* value) {
  HWY_DYNAMIC_DISPATCH(AdamStepImpl)(constants, gradient, n, first_moment, second_moment, value);
}

}  // namespace quadhop::cpu
#endif  // HWY_ONCE
