// Features that are missing.
#pragma once

#include <string>

#include "core/tensor.h"

namespace quadhop {

// Where a feature is NaN, the mean of the others of its column stands after it, or 0 if there is
// none. The same in every digit each time. Says how many there were.
std::string FillWithMeans(TensorView<float> features);  // [N, F]

}  // namespace quadhop
