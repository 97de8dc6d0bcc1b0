#include "model/cpu/adam_step.h"

#include <cmath>

// Compiled once for each instruction set; the calls at the end choose one at run time.
#define HWY_DISABLED_TARGETS HWY_SSE4
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "model/cpu/adam_step.cc"
// foreach_target.h must come first.
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "model/cpu/row_vectors-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace quadhop::cpu::HWY_NAMESPACE {

void AdamStepImpl(const AdamConstants& k, float scale, const float* gradient, int64_t n,
                  float* first_moment, float* second_moment, float* value) {
  const D d;
  const V beta1 = hn::Set(d, k.beta1), beta2 = hn::Set(d, k.beta2);
  const V rest1 = hn::Set(d, 1.0f - k.beta1), rest2 = hn::Set(d, 1.0f - k.beta2);
  const V gradient_scale = hn::Set(d, scale), epsilon = hn::Set(d, k.epsilon);
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

HWY_EXPORT(AdamStepImpl);

void AdamStep(const AdamConstants& constants, float gradient_scale, const float* gradient,
              int64_t n, float* first_moment, float* second_moment, float* value) {
  HWY_DYNAMIC_DISPATCH(AdamStepImpl)
  (constants, gradient_scale, gradient, n, first_moment, second_moment, value);
}

}  // namespace quadhop::cpu
#endif  // HWY_ONCE
