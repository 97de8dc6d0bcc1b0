// A matrix that a product takes.
#pragma once

#include <cstdint>

namespace quadhop {

// In the memory of whoever multiplies: rows `stride` elements apart; `transposed` says that the
// product takes its transpose. Borrows the data.
template <typename T>
struct MatrixRef {
  const T* data;
  int64_t stride;
  bool transposed = false;
};

}  // namespace quadhop
