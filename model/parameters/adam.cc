#include "model/parameters/adam.h"

namespace quadhop {

Adam::Adam(const AdamOptions& options, ParameterSet& parameters) : options_(options) {
  first_.Resize(parameters.memory(), {parameters.trained_size()});
  second_.Resize(parameters.memory(), {parameters.trained_size()});
}

void Adam::Apply(Kernels& kernels, double learning_rate, ParameterSet& parameters) {
  AdamArgs args;
  args.learning_rate = learning_rate;
  args.weight_decay = options_.weight_decay;
  args.clip_norm = options_.clip_norm;
  args.step = ++num_steps_;
  args.gradient = parameters.trained_gradients();
  args.first_moment = first_.view();
  args.second_moment = second_.view();
  args.value = parameters.trained_values();
  kernels.Adam(args);
}

}  // namespace quadhop
