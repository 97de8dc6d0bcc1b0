// Features that are missing.
#pragma once

#include <string>
#include <vector>

#include "core/arrays/tensor.h"

namespace quadhop {

// Replaces a feature that is NaN by the mean of its column in `like`, if there are any, else by the
// mean of the others in its column, or by 0 if there are none. The same in every digit each time.
// Says how many there were.
std::string FillWithMeans(TensorView<float> features,        // [N, F]
                          const std::vector<double>* like);  // [F or more], or null

}  // namespace quadhop
