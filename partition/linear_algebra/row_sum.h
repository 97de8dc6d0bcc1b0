// Sums of rows that lie anywhere in a table.
#pragma once

#include <absl/types/span.h>

#include <cstddef>
#include <cstdint>

namespace quadhop {

// How many ids ahead rows of `width` floats are prefetched: more for narrow ones, which are done
// sooner.
constexpr size_t RowsAhead(int64_t width) { return width <= 32 ? 48 : 16; }

// y [width] += the rows of x [., width] that ids [begin, end) name, one after the other, so that
// digits do not depend on the processor. Also prefetches the rows of RowsAhead further ids. y must
// not overlap x.
void AddRows(absl::Span<const uint32_t> ids, size_t begin, size_t end, const float* x,
             int64_t width, float* y);
void AddRows(absl::Span<const int64_t> ids, size_t begin, size_t end, const float* x, int64_t width,
             float* y);

}  // namespace quadhop
