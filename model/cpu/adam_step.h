// Adam on a run of parameters, in SIMD.
#pragma once

#include <cstdint>

#include "model/kernels/adam_constants.h"

namespace quadhop::cpu {

// One Adam step of n parameters.
void AdamStep(const AdamConstants& constants, float gradient_scale, const float* gradient,
              int64_t n, float* first_moment, float* second_moment, float* value);

}  // namespace quadhop::cpu
