// The middle of values.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace quadhop {

// Of an even number of values, the larger of the two in the middle; 0 if there are none.
inline double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace quadhop
