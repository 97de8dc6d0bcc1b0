// The mean of values and how far they lie apart.
#pragma once

#include <cmath>
#include <limits>
#include <vector>

namespace quadhop {

struct Spread {
  double mean = 0;       // of equal values exactly their value; 0 of none
  double deviation = 0;  // the sample standard deviation (over n - 1); NaN for fewer than 2 values
};

inline Spread SpreadOf(const std::vector<double>& values) {
  Spread spread;
  double count = 0, squares = 0;
  for (const double value : values) spread.mean += (value - spread.mean) / ++count;
  for (const double value : values) squares += (value - spread.mean) * (value - spread.mean);
  spread.deviation = values.size() < 2 ? std::numeric_limits<double>::quiet_NaN()
                                       : std::sqrt(squares / (count - 1));
  return spread;
}

}  // namespace quadhop
