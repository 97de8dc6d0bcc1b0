#include "model/adam.h"

#include <cmath>

namespace quadhop {

Adam::Adam(const AdamOptions& options, int64_t num_trained) : options_(options) {
  first_.Resize({num_trained});
  second_.Resize({num_trained});
}

void Adam::Apply(Kernels& kernels, double learning_rate, ParameterSet& parameters) {
  const TensorView<const float> gradient = parameters.trained_gradients();
  AdamArgs args;
  args.learning_rate = learning_rate;
  args.weight_decay = options_.weight_decay;
  args.step = ++num_steps_;
  if (options_.clip_norm > 0) {
    double squares = 0;
    for (int64_t i = 0; i < gradient.size(); ++i)
      squares += double{gradient[i]} * double{gradient[i]};
    const double norm = std::sqrt(squares);
    if (norm > options_.clip_norm) args.gradient_scale = options_.clip_norm / norm;
  }
  args.gradient = gradient;
  args.first_moment = first_.view();
  args.second_moment = second_.view();
  args.value = parameters.trained_values();
  kernels.Adam(args);
}

}  // namespace quadhop
