#include "model/cpu/row_ops.h"

#include <cmath>

#include "model/kernels/formulas.h"

// Compiled once for each instruction set; the calls at the end choose one at run time.
#define HWY_DISABLED_TARGETS HWY_SSE4
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "model/cpu/row_ops.cc"
// foreach_target.h must come first.
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>
#include "model/cpu/row_vectors-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace quadhop::cpu::HWY_NAMESPACE {

constexpr float kEpsilon = static_cast<float>(kNormEpsilon);

template <typename T>
void AddImpl(const T* y, int64_t n, float* x) {
  ForEachVector(Size(n), [&](size_t i, size_t c) {
    Store(hn::Add(Load(x + i, c), Load(y + i, c)), x + i, c);
  });
}

template <typename T>
void AddScaledImpl(float factor, const T* y, int64_t n, float* x) {
  const V f = hn::Set(D(), factor);
  ForEachVector(Size(n), [&](size_t i, size_t c) {
    Store(hn::MulAdd(f, Load(y + i, c), Load(x + i, c)), x + i, c);
  });
}

template <typename T>
float DotImpl(const float* a, const T* b, int64_t n) {
  V sum = hn::Zero(D());
  ForEachVector(Size(n),
                [&](size_t i, size_t c) { sum = hn::MulAdd(Load(a + i, c), Load(b + i, c), sum); });
  return Sum(sum);
}

template <typename T>
void BiasReluDropoutImpl(const float* x, const float* bias, const uint8_t* keep, float scale,
                         int64_t n, T* y) {
  const D d;
  const V zero = hn::Zero(d), factor = hn::Set(d, scale);
  ForEachVector(Size(n), [&](size_t i, size_t c) {
    V v = hn::Max(hn::Add(Load(x + i, c), Load(bias + i, c)), zero);
    if (keep != nullptr) v = hn::IfThenElseZero(KeepMaskOf(keep, i, c), hn::Mul(v, factor));
    Store(v, y + i, c);
  });
}

template <typename T>
void ReluDropoutBackwardImpl(const float* d_y, const T* y, float scale, int64_t n, T* d_x) {
  const D d;
  const V zero = hn::Zero(d), factor = hn::Set(d, scale);
  ForEachVector(Size(n), [&](size_t i, size_t c) {
    const auto alive = hn::Gt(Load(y + i, c), zero);
    Store(hn::IfThenElseZero(alive, hn::Mul(Load(d_y + i, c), factor)), d_x + i, c);
  });
}

// Mean and inverse standard deviation in two passes over a row that is in cache.
template <typename T>
RowStatistics StatisticsOf(const T* x, size_t n) {
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
  return {mean, 1.0f / std::sqrt(Sum(squares) / static_cast<float>(n) + kEpsilon)};
}

template <typename T>
void ApplyLayerNormImpl(const T* u, RowStatistics s, const float* scale, const float* shift,
                        int64_t n, T* z) {
  const D d;
  const V mean = hn::Set(d, s.mean), inv_std = hn::Set(d, s.inv_std);
  ForEachVector(Size(n), [&](size_t i, size_t c) {
    const V x_hat = hn::Mul(hn::Sub(Load(u + i, c), mean), inv_std);
    Store(hn::MulAdd(x_hat, Load(scale + i, c), Load(shift + i, c)), z + i, c);
  });
}

template <typename T>
RowStatistics BiasLayerNormImpl(const float* x, const float* bias, const float* scale,
                                const float* shift, int64_t n, T* u, T* z) {
  ForEachVector(Size(n), [&](size_t i, size_t c) {
    Store(hn::Add(Load(x + i, c), Load(bias + i, c)), u + i, c);
  });
  const RowStatistics statistics = StatisticsOf(u, Size(n));
  ApplyLayerNormImpl(u, statistics, scale, shift, n, z);
  return statistics;
}

template <typename T>
void LayerNormBackwardImpl(const T* u, RowStatistics s, const float* scale, const float* d_z,
                           int64_t n, float* d_x, float* d_scale, float* d_shift) {
  const D d;
  const V mean = hn::Set(d, s.mean), inv_std = hn::Set(d, s.inv_std);
  V sum = hn::Zero(d), sum_hat = hn::Zero(d);
  ForEachVector(Size(n), [&](size_t i, size_t c) {
    const V g = Load(d_z + i, c);
    const V x_hat = hn::Mul(hn::Sub(Load(u + i, c), mean), inv_std);
    Store(hn::MulAdd(g, x_hat, Load(d_scale + i, c)), d_scale + i, c);
    Store(hn::Add(g, Load(d_shift + i, c)), d_shift + i, c);
    const V d_hat = hn::Mul(g, Load(scale + i, c));
    sum = hn::Add(sum, d_hat);
    sum_hat = hn::MulAdd(d_hat, x_hat, sum_hat);
  });
  const V mean_d = hn::Set(d, Sum(sum) / static_cast<float>(n));
  const V mean_d_hat = hn::Set(d, Sum(sum_hat) / static_cast<float>(n));
  ForEachVector(Size(n), [&](size_t i, size_t c) {
    const V x_hat = hn::Mul(hn::Sub(Load(u + i, c), mean), inv_std);
    const V centred = hn::Sub(hn::Mul(Load(d_z + i, c), Load(scale + i, c)), mean_d);
    Store(hn::Mul(inv_std, hn::NegMulAdd(x_hat, mean_d_hat, centred)), d_x + i, c);
  });
}

template <typename T>
void SoftmaxImpl(int64_t n, float* x, T* p) {
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
                [&](size_t i, size_t c) { Store(hn::Mul(Load(x + i, c), inverse), p + i, c); });
}

template <typename T>
void SoftmaxBackwardImpl(const T* p, const float* d_p, int64_t n, T* d_x) {
  const V mean = hn::Set(D(), DotImpl(d_p, p, n));
  ForEachVector(Size(n), [&](size_t i, size_t c) {
    Store(hn::Mul(Load(p + i, c), hn::Sub(Load(d_p + i, c), mean)), d_x + i, c);
  });
}

template <typename T>
float ResidualNormImpl(const ResidualRow& row, int64_t n, T* x_hat) {
  const D d;
  float* x = row.residual;
  const V attention_scale = hn::Set(d, row.attention_scale);
  const V residual_scale = hn::Set(d, row.residual_scale);
  ForEachVector(Size(n), [&](size_t i, size_t c) {
    V v = hn::Add(Load(row.attended + i, c), Load(row.attended_bias + i, c));
    if (row.attention_keep != nullptr)
      v = hn::IfThenElseZero(KeepMaskOf(row.attention_keep, i, c), hn::Mul(v, attention_scale));
    v = hn::Add(v, hn::Add(Load(row.residual + i, c), Load(row.residual_bias + i, c)));
    if (row.residual_keep != nullptr)
      v = hn::IfThenElseZero(KeepMaskOf(row.residual_keep, i, c), hn::Mul(v, residual_scale));
    Store(v, x + i, c);
  });
  const RowStatistics s = StatisticsOf(x, Size(n));
  const V mean = hn::Set(d, s.mean), inv_std = hn::Set(d, s.inv_std);
  ForEachVector(Size(n), [&](size_t i, size_t c) {
    Store(hn::Mul(hn::Sub(Load(x + i, c), mean), inv_std), x_hat + i, c);
  });
  return s.inv_std;
}

template <typename T>
void ResidualNormBackwardImpl(const ResidualRowBackward<T>& row, int64_t n, T* d_residual,
                              T* d_attended) {
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

template <typename T>
void RoundImpl(const float* x, int64_t n, T* y) {
  ForEachVector(Size(n), [&](size_t i, size_t c) { Store(Load(x + i, c), y + i, c); });
}

template <typename T>
const RowOps<T>* TableOf() {
  static constexpr RowOps<T> kTable = {&RoundImpl<T>,
                                       &AddImpl<T>,
                                       &AddScaledImpl<T>,
                                       &DotImpl<T>,
                                       &BiasReluDropoutImpl<T>,
                                       &ReluDropoutBackwardImpl<T>,
                                       &BiasLayerNormImpl<T>,
                                       &ApplyLayerNormImpl<T>,
                                       &LayerNormBackwardImpl<T>,
                                       &SoftmaxImpl<T>,
                                       &SoftmaxBackwardImpl<T>,
                                       &ResidualNormImpl<T>,
                                       &ResidualNormBackwardImpl<T>};
  return &kTable;
}
const RowOps<float>* F32Table() { return TableOf<float>(); }
const RowOps<BFloat16>* BF16Table() { return TableOf<BFloat16>(); }

}  // namespace quadhop::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace quadhop::cpu {

HWY_EXPORT(F32Table);
HWY_EXPORT(BF16Table);

template <>
const RowOps<float>& GetRowOps<float>() {
  return *HWY_DYNAMIC_DISPATCH(F32Table)();
}
template <>
const RowOps<BFloat16>& GetRowOps<BFloat16>() {
  return *HWY_DYNAMIC_DISPATCH(BF16Table)();
}

}  // namespace quadhop::cpu
#endif  // HWY_ONCE
