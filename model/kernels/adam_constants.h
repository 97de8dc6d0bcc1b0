// The values of an Adam step that are the same for all parameters, as the backends use them.
#pragma once

namespace quadhop {

struct AdamArgs;

struct AdamConstants {
  float beta1, beta2, epsilon;
  float step_size;            // learning rate / (1 - beta1^t)
  float inv_sqrt_correction;  // 1 / sqrt(1 - beta2^t)
  float decay;                // learning rate * weight decay
};
AdamConstants AdamConstantsOf(const AdamArgs& args);

}  // namespace quadhop
