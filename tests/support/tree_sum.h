// The order of OrderedSum (DESIGN.md, section 1), straight from its definition.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace quadhop {

// The sum of rows [begin, end) at column i.
template <typename T>
T TreeSum(const std::vector<std::vector<T>>& rows, int32_t begin, int32_t end, size_t i) {
  if (end - begin == 1) return rows[static_cast<size_t>(begin)][i];
  int32_t power = 1;
  while (power * 2 < end - begin) power *= 2;
  T left = TreeSum(rows, begin, begin + power, i);
  left += TreeSum(rows, begin + power, end, i);
  return left;
}

}  // namespace quadhop
