#include "model/kernels/adam_constants.h"

#include <cmath>

#include "model/kernels/kernels.h"

namespace quadhop {

AdamConstants AdamConstantsOf(const AdamArgs& args) {
  const double t = static_cast<double>(args.step);
  AdamConstants k{};
  k.beta1 = static_cast<float>(args.beta1);
  k.beta2 = static_cast<float>(args.beta2);
  k.epsilon = static_cast<float>(args.epsilon);
  k.step_size = static_cast<float>(args.learning_rate / (1 - std::pow(args.beta1, t)));
  k.inv_sqrt_correction = static_cast<float>(1 / std::sqrt(1 - std::pow(args.beta2, t)));
  k.decay = static_cast<float>(args.learning_rate * args.weight_decay);
  return k;
}

}  // namespace quadhop
