// Adam on a run of parameters, in SIMD.
#pragma once

#include <cstdint>

namespace quadhop::cpu {

// One Adam step of n parameters. step_size = learning rate / (1 - beta1^t); inv_sqrt_correction = 1
// / sqrt(1 - beta2^t).
struct AdamConstants {
  float beta1, beta2, epsilon, step_size, inv_sqrt_correction, decay, gradient_scale;
};
void AdamStep(const AdamConstants& constants, const float* gradient, int64_t n, float* first_moment,
              float* second_moment, float* value);

}  // namespace quadhop::cpu
