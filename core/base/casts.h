// Counts and positions are int64_t; indices of the standard library and fractions are not.
#pragma once

#include <cstddef>
#include <cstdint>

namespace quadhop {

inline size_t AsSize(int64_t value) { return static_cast<size_t>(value); }
inline double AsDouble(int64_t value) { return static_cast<double>(value); }

}  // namespace quadhop
