// A matrix as an operand of a product.
#pragma once

#include <cstdint>

namespace quadhop {

// In the memory of whoever multiplies, with rows `stride` elements apart; `transposed` says that
// the product takes its transpose. Borrows the data.
template <typename T>
struct MatrixRef {
  const T* data;
  int64_t stride;
  bool transposed = false;
};

}  // namespace quadhop
