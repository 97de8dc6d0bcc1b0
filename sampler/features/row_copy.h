// Rows that lie scattered in memory, copied into one table.
#pragma once

#include <absl/types/span.h>

#include <cstdint>

#include "core/arrays/dtype.h"
#include "core/threads/thread_pool.h"

namespace quadhop {

// out [U, row_size] becomes the rows [U] of row_size values of dtype kF32, kF16 or kBF16, converted
// to float.
void CopyRowsToFloat(DType dtype, int64_t row_size, absl::Span<const uint8_t* const> rows,
                     float* out, ThreadPool& pool);

// out [U, row_bytes] becomes the rows [U], as they are.
void CopyRows(int64_t row_bytes, absl::Span<const uint8_t* const> rows, uint8_t* out,
              ThreadPool& pool);

}  // namespace quadhop
